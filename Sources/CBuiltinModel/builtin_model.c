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

static const pbm_file files[] = {
    {"model.safetensors", model_safetensors, sizeof model_safetensors},
    {"config.json", config_json, sizeof config_json},
    {"tokenizer.json", tokenizer_json, sizeof tokenizer_json},
    {"calibration.json", calibration_json, sizeof calibration_json},
    {"lexicon.txt", lexicon_txt, sizeof lexicon_txt},
    {"chains.jsonl", chains_jsonl, sizeof chains_jsonl},
    {"MODEL_CARD.md", model_card_md, sizeof model_card_md},
};

const pbm_file *pbm_files(size_t *count) {
    *count = sizeof files / sizeof files[0];
    return files;
}
