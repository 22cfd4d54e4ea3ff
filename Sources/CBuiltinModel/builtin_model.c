// Turns the files of penumbra-tiny/ into arrays of the executable with C23 #embed: no resource bundle that could get lost.
#include "CBuiltinModel.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

#define EMBEDDED _Alignas(64) static const unsigned char

EMBEDDED model_safetensors[] = {
#embed "penumbra-tiny/model.safetensors"
};
EMBEDDED config_json[] = {
#embed "penumbra-tiny/config.json"
};
EMBEDDED tokenizer_json[] = {
#embed "penumbra-tiny/tokenizer.json"
};
EMBEDDED calibration_json[] = {
#embed "penumbra-tiny/calibration.json"
};
EMBEDDED lexicon_txt[] = {
#embed "penumbra-tiny/lexicon.txt"
};
EMBEDDED chains_jsonl[] = {
#embed "penumbra-tiny/chains.jsonl"
};
EMBEDDED model_card_md[] = {
#embed "penumbra-tiny/MODEL_CARD.md"
};

// The digests are those of sha256sum, so that no start has to compute them; a test compares them with the bytes.
static const pbm_file files[] = {
    {"model.safetensors", model_safetensors, sizeof model_safetensors,
     "c968278d2451ed3e765e728b5efbe6b1ba64a87bf72d6a66d901bd0e14035b4c"},
    {"config.json", config_json, sizeof config_json, NULL},
    {"tokenizer.json", tokenizer_json, sizeof tokenizer_json,
     "533f21bf462e01fff94baa2d569bc83c02dc78d26b1790b545fe09e5700aa5a2"},
    {"calibration.json", calibration_json, sizeof calibration_json, NULL},
    {"lexicon.txt", lexicon_txt, sizeof lexicon_txt, NULL},
    {"chains.jsonl", chains_jsonl, sizeof chains_jsonl, NULL},
    {"MODEL_CARD.md", model_card_md, sizeof model_card_md, NULL},
};

const pbm_file *pbm_files(size_t *count) {
    *count = sizeof files / sizeof files[0];
    return files;
}
