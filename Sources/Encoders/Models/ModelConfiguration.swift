// Turns `config.json` of a ProLIP model folder into the two towers' shapes.

/// What both towers' transformers are made of.
package struct TransformerConfiguration: Sendable, Equatable {
    /// Channels of the residual stream, W.
    package var width: Int
    /// Number of blocks.
    package var layers: Int
    /// Attention heads; the head size is `width / heads`.
    package var heads: Int
    /// Hidden channels of the MLP: int(width * mlp_ratio).
    package var mlpWidth: Int
    /// LayerNorm's epsilon, for every norm of the tower.
    package var eps: Float
    /// Whether each block scales its branches (LayerScale: `ls_1`, `ls_2`).
    package var hasLayerScale: Bool
    /// x * sigmoid(1.702 x) in place of the exact GELU.
    package var quickGELU: Bool
}

/// The image tower's shape.
package struct ImageTowerConfiguration: Sendable, Equatable {
    package var transformer: TransformerConfiguration
    /// Input height and width in pixels.
    package var height: Int
    package var width: Int
    /// Side of a square patch in pixels.
    package var patch: Int
    /// No norm before the first block.
    package var noPreNorm: Bool
    /// Whether the tower has an uncertainty token; a tower without gives points.
    package var hasUncertainty: Bool

    /// Rows and columns of whole patches; trailing pixels are ignored.
    package var grid: (rows: Int, columns: Int) { (height / patch, width / patch) }
    /// Tokens of a picture: class, uncertainty where there is one, patches.
    package var sequence: Int { (hasUncertainty ? 2 : 1) + grid.rows * grid.columns }
}

/// The text tower's shape.
package struct TextTowerConfiguration: Sendable, Equatable {
    package var transformer: TransformerConfiguration
    /// Token ids of a text, L.
    package var contextLength: Int
    /// Rows of the token embedding.
    package var vocabularySize: Int
    /// Whether the projection is a Linear with bias, or a bare [T, D] matrix.
    package var projectionHasBias: Bool
    /// Whether the tower has an uncertainty token.
    package var hasUncertainty: Bool

    /// Tokens beside the text's own: uncertainty where there is one, class.
    package var extraTokens: Int { hasUncertainty ? 2 : 1 }
}

/// `config.json`, checked: every key is known, every value is in range.
/// - SeeAlso: shared fixtures, `PROLIP.md` section 1; `src/prolip/model_configs` of naver-ai/prolip
package struct ModelConfiguration: Sendable, Equatable {
    /// The embedding dimension, D.
    package var dimension: Int
    /// Whether the checkpoint has a `logit_scale`: its initial value is neither null nor zero (absent: ln(1/0.07)).
    package var hasLogitScale: Bool
    /// Whether the checkpoint has a `logit_bias`: its initial value is there and neither null nor zero.
    package var hasLogitBias: Bool
    package var image: ImageTowerConfiguration
    package var text: TextTowerConfiguration

    /// Reads a configuration.
    /// - Throws: `ConfigurationError` for an unknown key, a value of the wrong kind or out of range, or an architecture
    ///   that Penumbra does not compute.
    package init(_ file: MappedFile) throws {
        var top = try JSONObject(file)
        dimension = try top.integer("embed_dim", default: nil, in: 1...65_536)
        let quickGELU = try top.bool("quick_gelu", default: false)
        guard var vision = try top.object("vision_cfg") else {
            throw top.refuse("vision_cfg", got: "nothing", expected: "an object")
        }
        guard var text = try top.object("text_cfg") else {
            throw top.refuse("text_cfg", got: "nothing", expected: "an object")
        }
        hasLogitScale = try !top.holds("init_logit_scale") || (top.number("init_logit_scale") ?? 0) != 0
        hasLogitBias = try (top.number("init_logit_bias") ?? 0) != 0
        try top.finish()
        image = try ImageTowerConfiguration(&vision, quickGELU: quickGELU)
        self.text = try TextTowerConfiguration(&text, quickGELU: quickGELU)
        if self.text.hasUncertainty, self.text.transformer.width != dimension {
            throw text.refuse(
                "width", got: self.text.transformer.width,
                expected: "embed_dim (\(dimension)), since the uncertainty projection takes the projected mean")
        }
    }
}

extension ModelConfiguration {
    /// Everything that shapes the arithmetic, spelled out: equal exactly for equal architectures.
    package var canonical: String {
        func transformer(_ shape: TransformerConfiguration) -> String {
            "width \(shape.width) layers \(shape.layers) heads \(shape.heads) mlp \(shape.mlpWidth) eps \(shape.eps)"
                + " layerscale \(shape.hasLayerScale) quickgelu \(shape.quickGELU)"
        }
        return "dimension \(dimension)\nimage \(image.height)x\(image.width) patch \(image.patch)"
            + " prenorm \(!image.noPreNorm) uncertainty \(image.hasUncertainty) \(transformer(image.transformer))\n"
            + "text context \(text.contextLength) vocabulary \(text.vocabularySize) bias \(text.projectionHasBias)"
            + " uncertainty \(text.hasUncertainty) \(transformer(text.transformer))\n"
    }
}

extension ImageTowerConfiguration {
    fileprivate init(_ keys: inout JSONObject, quickGELU: Bool) throws {
        let headWidth = try keys.integer("head_width", default: 64, in: 1...65_536)
        transformer = try TransformerConfiguration(&keys, quickGELU: quickGELU) { _, width in
            width / headWidth
        }
        (height, width) = try keys.size("image_size", default: 224)
        patch = try keys.integer("patch_size", default: 16, in: 1...4_096)
        noPreNorm = try keys.bool("no_ln_pre", default: false)
        hasUncertainty = try keys.bool("embed_unc", default: false)
        guard patch <= min(height, width) else {
            throw keys.refuse("patch_size", got: patch, expected: "at most image_size (\(height) x \(width))")
        }
        try keys.require("pool_type", is: "tok")
        try keys.require("attentional_pool", is: false)
        try keys.require("final_ln_after_pool", is: false)
        try keys.require("output_tokens", is: false)
        keys.ignore([
            "pos_embed_type", "patch_dropout", "attn_pooler_queries", "attn_pooler_heads", "init_unc_bias",
            "timm_model_name", "timm_model_pretrained", "timm_pool", "timm_proj", "timm_proj_bias", "timm_drop",
            "timm_drop_path",
        ])
        try keys.finish()
    }
}

extension TextTowerConfiguration {
    fileprivate init(_ keys: inout JSONObject, quickGELU: Bool) throws {
        transformer = try TransformerConfiguration(&keys, quickGELU: quickGELU) { keys, _ in
            try keys.integer("heads", default: 12, in: 1...4_096)
        }
        contextLength = try keys.integer("context_length", default: 64, in: 1...65_536)
        vocabularySize = try keys.integer("vocab_size", default: 32_100, in: 1...10_000_000)
        projectionHasBias = try keys.bool("proj_bias", default: true)
        hasUncertainty = try keys.bool("embed_unc", default: true)
        try keys.require("embed_cls", is: true)
        try keys.require("no_causal_mask", is: true)
        try keys.require("final_ln_after_pool", is: false)
        try keys.require("output_tokens", is: false)
        var tokenizer = try keys.object("tokenizer_kwargs")
        if let clean = try tokenizer?.string("clean"), clean != "canonicalize" {
            throw keys.refuse("tokenizer_kwargs.clean", got: clean, expected: "canonicalize")
        }
        keys.ignore([
            "pad_id", "pool_type", "init_unc_bias", "hf_tokenizer_name", "hf_model_name", "hf_model_pretrained",
            "hf_proj_type", "hf_pooler_type",
        ])
        try keys.finish()
    }
}

extension TransformerConfiguration {
    fileprivate init(
        _ keys: inout JSONObject, quickGELU: Bool, heads: (inout JSONObject, Int) throws -> Int
    ) throws {
        width = try keys.integer("width", default: 768, in: 1...65_536)
        layers = try keys.integer("layers", default: 12, in: 1...1_000)
        self.heads = try heads(&keys, width)
        guard self.heads > 0 else {
            throw keys.refuse("head_width", got: "more than width", expected: "at most width (\(width))")
        }
        let ratio = try keys.number("mlp_ratio") ?? 4
        guard ratio > 0, ratio * Double(width) >= 1, ratio < 1_000 else {
            throw keys.refuse("mlp_ratio", got: ratio, expected: "a positive number")
        }
        mlpWidth = Int(Double(width) * ratio)
        hasLayerScale = try keys.number("ls_init_value") != nil
        var norm = try keys.object("norm_kwargs")
        let epsilon = try norm?.number("eps") ?? 1e-5
        eps = Float(epsilon)
        if let norm, eps <= 0 || !eps.isFinite { throw norm.refuse("eps", got: epsilon, expected: "a positive number") }
        try norm?.finish()
        let activation = try keys.object("act_kwargs")
        try activation?.finish()
        self.quickGELU = quickGELU
        guard width % self.heads == 0 else {
            throw keys.refuse("width", got: width, expected: "a multiple of the \(self.heads) attention heads")
        }
    }
}

extension JSONObject {
    /// Accepts an absent key or this one value.
    fileprivate mutating func require<T: Equatable & Sendable>(_ key: String, is expected: T) throws {
        guard let value = value(key) else { return }
        guard let typed = value as? T, typed == expected else {
            throw refuse(key, got: value, expected: "\(expected), the only kind Penumbra computes")
        }
    }
}
