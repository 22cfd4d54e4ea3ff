#!/usr/bin/env python3
"""Trains small tokenizers and writes them with the ids that the `tokenizers` library gives for cleaned texts.

    pip install tokenizers==0.23.3 && python3 make_tokenizer_fixtures.py

Writes dialects/NAME.json (the tokenizers) and dialects/expected.json. Seeded by nothing random: the corpus is below.
"""
import json
import os

from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "dialects")

SUBJECTS = "dog cat bird horse boat train car house tree snowman robot balloon man woman child".split()
COLOURS = "red green blue yellow white black purple brown".split()
PLACES = "on the beach|in the snow|under water|on a city street|in the desert|at night|near the mountains".split("|")
VERBS = "running sleeping standing waiting jumping".split()
CORPUS = [f"a {c} {s} {v} {p}" for c in COLOURS for s in SUBJECTS for v in VERBS for p in PLACES][::7]
CORPUS += ["it's a café, isn't it? we've 42 photos; they'll do!", "naïve crème brûlée 2023 żółć"] * 20

# As they are after cleaning, so that the library may be asked directly.
UNIGRAM_TEXTS = [
    "", "a dog", "a red car on the beach", "xylophone zzyzx", "naïve café żółć", "猫 a 犬猫", "a b c",
    "two green balloons and a yellow boat", "▁a ▁▁dog", "👍🏽 photo", "¿dónde está el perro",
    "ⅷ ① ² ª", "a" * 40, "a photo of a snowman waiting at night near the mountains in the desert under water",
]
BPE_TEXTS = [
    "", "a dog", "a red car, on the beach!", "it's isn't we've they'll i'm you're he'd 'tis", "xylophone zzyzx",
    "naïve café żółć", "猫 a 犬猫", "42 photos 2023 ½ ²", "hello...world?! (really)", "👍🏽 photo", "<|endoftext|> dog",
    "a<|startoftext|>b", "under_score — dash", "a" * 40, "snowman waiting at night near the mountains in the desert",
]
SPECIAL = ["<pad>", "</s>", "<unk>"]


def unigram(vocab_size=300, fallback=False):
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    bytes_ = [f"<0x{b:02X}>" for b in range(256)] if fallback else []
    trainer = trainers.UnigramTrainer(
        vocab_size=vocab_size, special_tokens=SPECIAL + bytes_, unk_token="<unk>", show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    vocab = json.loads(tokenizer.to_str())["model"]["vocab"]
    return [(piece, score) for piece, score in vocab]


def t5(vocab, normalizer, pre_tokenizer, fallback=False):
    tokenizer = Tokenizer(models.Unigram(vocab, unk_id=2, byte_fallback=fallback))
    tokenizer.add_special_tokens([AddedToken(t, normalized=False, special=True) for t in SPECIAL])
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)])
    return tokenizer


def unigram_dialects():
    n, p = normalizers, pre_tokenizers
    vocab = unigram()
    squeeze = n.Replace(Regex(" {2,}"), " ")
    marks = n.Replace(Regex(" {2,}"), "▁")
    yield "unigram-always", t5(vocab, n.Sequence([squeeze]), p.Metaspace(prepend_scheme="always"))
    yield "unigram-never", t5(
        vocab, n.Sequence([n.Strip(left=False, right=True), marks]), p.Metaspace(prepend_scheme="never"))
    yield "unigram-first", t5(vocab, squeeze, p.Metaspace(prepend_scheme="first"))
    yield "unigram-whole", t5(
        vocab, n.Sequence([n.NFKD(), n.Lowercase(), n.Prepend("▁"), n.Replace(" ", "▁")]),
        p.Metaspace(prepend_scheme="never", split=False))
    yield "unigram-words", t5(
        vocab, n.NFKC(), p.Sequence([p.WhitespaceSplit(), p.Metaspace(prepend_scheme="first")]))
    yield "unigram-bytes", t5(
        unigram(500, fallback=True), n.Sequence([n.NFC(), squeeze]), p.Metaspace(prepend_scheme="always"), True)


def clip():
    """As `openai/clip-vit-base-patch32`: byte-level alphabet, `</w>` on the last character of a word."""
    tokenizer = Tokenizer(models.BPE(unk_token="<|endoftext|>", end_of_word_suffix="</w>", continuing_subword_prefix=""))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex("\\s+"), " "), normalizers.Lowercase()])
    pattern = "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+"
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(pattern), behavior="removed", invert=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False)])
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    ends = ["<|startoftext|>", "<|endoftext|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=900, initial_alphabet=alphabet, end_of_word_suffix="</w>", special_tokens=ends, show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    # The trainer adds "</w>" only to characters it saw at a word's end; CLIP's vocabulary has all of them.
    data = json.loads(tokenizer.to_str())
    vocab = data["model"]["vocab"]
    for character in alphabet:
        vocab.setdefault(character + "</w>", len(vocab))
    data["post_processor"] = {
        "type": "RobertaProcessing", "sep": ["<|endoftext|>", 1], "cls": ["<|startoftext|>", 0], "trim_offsets": False,
        "add_prefix_space": False}
    return data


def gpt():
    """As GPT-2: byte-level words with their space, no suffix, no special tokens around the text but a closing one."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    trainer = trainers.BpeTrainer(
        vocab_size=700, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        special_tokens=["<|endoftext|>"], show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True, rstrip=True, normalized=False)])
    tokenizer.add_tokens([AddedToken("zebra", single_word=True, normalized=True)])
    tokenizer.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=False),
        processors.TemplateProcessing(single="$A <|endoftext|>", special_tokens=[("<|endoftext|>", 0)])])
    return tokenizer


def plain():
    """Characters, not bytes: unknown ones fuse into <unk>."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, continuing_subword_prefix="##"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=["<pad>", "</s>", "<unk>"], continuing_subword_prefix="##", show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return tokenizer


def save(name, data, texts, expected):
    path = os.path.join(OUT, name + ".json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(data, file, ensure_ascii=False, separators=(",", ":"))
    tokenizer = Tokenizer.from_file(path)
    expected[name] = [{"text": text, "ids": tokenizer.encode(text).ids} for text in texts]


def main():
    os.makedirs(OUT, exist_ok=True)
    expected = {}
    for name, tokenizer in unigram_dialects():
        save(name, json.loads(tokenizer.to_str()), UNIGRAM_TEXTS, expected)
    data = clip()
    save("bpe-clip", data, BPE_TEXTS, expected)
    data["model"]["merges"] = [" ".join(pair) for pair in data["model"]["merges"]]
    save("bpe-clip-joined", data, BPE_TEXTS, expected)
    save("bpe-gpt", json.loads(gpt().to_str()), BPE_TEXTS + ["a <mask> dog", "zebra zebras a zebra"], expected)
    save("bpe-plain", json.loads(plain().to_str()), BPE_TEXTS, expected)
    with open(os.path.join(OUT, "expected.json"), "w", encoding="utf-8") as file:
        json.dump(expected, file, ensure_ascii=False, indent=0)


if __name__ == "__main__":
    main()
