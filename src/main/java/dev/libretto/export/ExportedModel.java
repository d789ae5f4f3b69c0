package dev.libretto.export;

import com.fasterxml.jackson.annotation.JacksonInject;
import com.fasterxml.jackson.annotation.OptBoolean;
import com.fasterxml.jackson.core.type.TypeReference;
import dev.libretto.LibrettoException;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Weights;
import dev.libretto.run.Json;
import dev.libretto.text.Normalization;
import dev.libretto.text.Vocabulary;
import dev.libretto.train.CorpusInfo;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * A model to export, or imported.
 *
 * @param weights the weights in Libretto's layout
 */
public record ExportedModel(ModelSettings settings, Vocabulary vocabulary, Weights weights) {
    /** The JSON file next to a weights file: the settings, and what else the weights need. */
    record Description(
            Layout layout,
            ModelConfig model,
            boolean keepNewlines,

            @JacksonInject(value = CorpusInfo.NORMALIZATION, useInput = OptBoolean.TRUE)
            Normalization normalization,

            @JacksonInject(value = CorpusInfo.UNKNOWN_CHARACTER, useInput = OptBoolean.TRUE)
            boolean unknownCharacter,

            List<String> vocabulary) {
        /** @throws IllegalArgumentException if a field is missing, or the vocabulary is invalid or not of the model's size */
        Description {
            if (layout == null || model == null || vocabulary == null) {
                throw new IllegalArgumentException("one of layout, model and vocabulary is missing");
            }
            new ModelSettings(model, keepNewlines, normalization, unknownCharacter, "").vocabulary(vocabulary);
        }

        ModelSettings settings() {
            return new ModelSettings(model, keepNewlines, normalization, unknownCharacter, "");
        }
    }

    /** Returns the default path of a weights file's description: its name followed by {@code .json}. */
    public static Path descriptionOf(Path weights) {
        return weights.resolveSibling(weights.getFileName() + ".json");
    }

    /** @throws LibrettoException in one line, if one of the files cannot be read or they do not fit together */
    public static ExportedModel read(Path weights, Path description) throws IOException {
        if (!Files.exists(description)) {
            Safetensors.requireReadable(weights);
            throw LibrettoException.in(
                    description,
                    "there is no such file; it describes the model: export writes it next to the weights, and for others"
                            + " write it as docs/exporting.md shows");
        }
        Description described = Json.readHandwritten(description, new TypeReference<>() {});
        List<NamedArray> arrays = Safetensors.read(weights);
        try {
            ModelSettings settings = described.settings();
            return new ExportedModel(
                    settings,
                    settings.vocabulary(described.vocabulary()),
                    described.layout().weights(described.model(), arrays));
        } catch (IllegalArgumentException e) {
            throw LibrettoException.in(weights, e.getMessage(), e);
        }
    }

    String describe(Layout layout) throws IOException {
        return Json.write(new Description(
                layout,
                settings.model(),
                settings.keepNewlines(),
                settings.normalization(),
                settings.unknownCharacter(),
                vocabulary.symbols()));
    }
}
