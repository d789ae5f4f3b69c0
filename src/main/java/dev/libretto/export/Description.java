package dev.libretto.export;

import com.fasterxml.jackson.annotation.JacksonInject;
import com.fasterxml.jackson.annotation.OptBoolean;
import com.fasterxml.jackson.core.type.TypeReference;
import dev.libretto.LibrettoException;
import dev.libretto.model.ModelConfig;
import dev.libretto.run.Json;
import dev.libretto.train.CorpusInfo;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * The JSON file next to a weights file, which describes its model.
 *
 * @param layout the layout of the weights
 * @param vocabulary the characters in id order, one string each
 * @see ModelSettings
 */
public record Description(
        Layout layout,
        ModelConfig model,
        boolean keepNewlines,

        @JacksonInject(value = CorpusInfo.UNKNOWN_CHARACTER, useInput = OptBoolean.TRUE)
        boolean unknownCharacter,

        List<String> vocabulary) {
    /** @throws IllegalArgumentException if a field is missing, or the vocabulary is invalid or not of the model's size */
    public Description {
        if (layout == null || model == null || vocabulary == null) {
            throw new IllegalArgumentException("one of layout, model and vocabulary is missing");
        }
        vocabulary = List.copyOf(new ModelSettings(model, keepNewlines, unknownCharacter)
                .vocabulary(vocabulary)
                .symbols());
    }

    /** Returns the default path of a weights file's description: its name followed by {@code .json}. */
    public static Path pathFor(Path weights) {
        return weights.resolveSibling(weights.getFileName() + ".json");
    }

    /**
     * Reads a description.
     *
     * @throws LibrettoException if there is no such file
     * @throws dev.libretto.run.LibrettoException saying what is wrong with it
     */
    public static Description read(Path file) throws IOException {
        if (!Files.exists(file)) {
            throw LibrettoException.in(
                    file, "there is no such file; export writes it next to the weights; name it with --description");
        }
        return Json.readHandwritten(file, new TypeReference<>() {});
    }
}
