package dev.libretto.export;

import com.fasterxml.jackson.annotation.JacksonInject;
import com.fasterxml.jackson.annotation.OptBoolean;
import dev.libretto.model.ModelConfig;
import dev.libretto.text.Vocabulary;
import dev.libretto.train.CorpusInfo;
import java.util.List;

/**
 * What a SavedModel or an ONNX file carries beside its graph, as JSON.
 *
 * @param model the cell and the sizes
 * @param keepNewlines whether the model knows newlines and carriage returns, or has them as spaces
 * @param unknownCharacter whether U+FFFD, if it is in the vocabulary, stands for all characters that are not; {@link Json} has
 *     a default for files of earlier versions
 */
public record ModelSettings(
        ModelConfig model,
        boolean keepNewlines,

        @JacksonInject(value = CorpusInfo.UNKNOWN_CHARACTER, useInput = OptBoolean.TRUE)
        boolean unknownCharacter) {
    /** @throws IllegalArgumentException if the model is missing */
    public ModelSettings {
        if (model == null) {
            throw new IllegalArgumentException("model is missing");
        }
    }

    /**
     * The vocabulary that goes with these settings.
     *
     * @throws IllegalArgumentException if it is none, or not of the model's size
     */
    Vocabulary vocabulary(List<String> symbols) {
        Vocabulary vocabulary = Vocabulary.ofSymbols(symbols, unknownCharacter);
        if (vocabulary.size() != model.vocabularySize()) {
            throw new IllegalArgumentException("the vocabulary has " + vocabulary.size()
                    + " characters, but vocabularySize is " + model.vocabularySize());
        }
        return vocabulary;
    }
}
