package dev.libretto.export;

import com.fasterxml.jackson.annotation.JacksonInject;
import com.fasterxml.jackson.annotation.OptBoolean;
import com.fasterxml.jackson.core.type.TypeReference;
import dev.libretto.model.ModelConfig;
import dev.libretto.run.Json;
import dev.libretto.text.Vocabulary;
import dev.libretto.train.CorpusInfo;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * What a weights file does not say of its model: a JSON file beside it.
 *
 * @param layout the layout of the weights
 * @param model the cell and the sizes
 * @param keepNewlines whether the model knows newlines and carriage returns, or has them as spaces
 * @param unknownCharacter whether U+FFFD, if it is in the vocabulary, stands for all characters that are not; {@link Json} has
 *     a default for files of earlier versions
 * @param vocabulary the characters in id order, one string each
 */
public record Description(
        Layout layout,
        ModelConfig model,
        boolean keepNewlines,

        @JacksonInject(value = CorpusInfo.UNKNOWN_CHARACTER, useInput = OptBoolean.TRUE)
        boolean unknownCharacter,

        List<String> vocabulary) {
    /** @throws IllegalArgumentException if a part is missing, or the vocabulary is not one of the model's size */
    public Description {
        if (layout == null || model == null || vocabulary == null) {
            throw new IllegalArgumentException("one of layout, model and vocabulary is missing");
        }
        vocabulary =
                List.copyOf(Vocabulary.ofSymbols(vocabulary, unknownCharacter).symbols());
        if (vocabulary.size() != model.vocabularySize()) {
            throw new IllegalArgumentException("the vocabulary has " + vocabulary.size()
                    + " characters, but vocabularySize is " + model.vocabularySize());
        }
    }

    /** Where the description of a weights file stands: its name with {@code .json} behind it. */
    public static Path beside(Path weights) {
        return weights.resolveSibling(weights.getFileName() + ".json");
    }

    /**
     * Reads a description.
     *
     * @throws WeightsException if there is none
     * @throws dev.libretto.run.RunException saying what is wrong in it
     */
    public static Description read(Path file) throws IOException {
        if (!Files.exists(file)) {
            throw new WeightsException(
                    file, "there is no such file; export writes it beside the weights, name it with --description");
        }
        return Json.readHandwritten(file, new TypeReference<>() {});
    }
}
