package dev.libretto.export;

import com.fasterxml.jackson.annotation.JacksonInject;
import com.fasterxml.jackson.annotation.OptBoolean;
import dev.libretto.model.ModelConfig;
import dev.libretto.run.Json;
import dev.libretto.text.Normalization;
import dev.libretto.text.Vocabulary;
import dev.libretto.train.CorpusInfo;
import java.util.List;

/**
 * The settings of an exported model, stored as JSON in a SavedModel or an ONNX file.
 *
 * @param keepNewlines whether newlines are kept instead of read as spaces
 * @param normalization the Unicode normalization form that texts are read in
 * @param unknownCharacter whether U+FFFD, if in the vocabulary, stands for all unknown characters;
 *     {@link Json} has a default for files of earlier versions
 * @param weightsHash the SHA-256 of the weights; empty if it is not known, as in files of earlier versions
 */
public record ModelSettings(
        ModelConfig model,
        boolean keepNewlines,

        @JacksonInject(value = CorpusInfo.NORMALIZATION, useInput = OptBoolean.TRUE)
        Normalization normalization,

        @JacksonInject(value = CorpusInfo.UNKNOWN_CHARACTER, useInput = OptBoolean.TRUE)
        boolean unknownCharacter,

        @JacksonInject(value = Json.WEIGHTS_HASH, useInput = OptBoolean.TRUE)
        String weightsHash) {
    public ModelSettings {
        if (model == null) {
            throw new IllegalArgumentException("model is missing");
        }
        if (normalization == null) {
            throw new IllegalArgumentException("normalization is missing");
        }
        if (weightsHash == null) {
            throw new IllegalArgumentException("weightsHash is missing");
        }
    }

    Vocabulary vocabulary(List<String> symbols) {
        Vocabulary vocabulary = Vocabulary.ofSymbols(symbols, unknownCharacter, normalization);
        if (vocabulary.size() != model.vocabularySize()) {
            throw new IllegalArgumentException("the vocabulary has " + vocabulary.size()
                    + " characters, but vocabularySize is " + model.vocabularySize());
        }
        if (vocabulary.hasEnd() != model.endSymbol()) {
            throw new IllegalArgumentException("endSymbol is " + model.endSymbol() + ", but the last symbol is "
                    + (vocabulary.hasEnd() ? "" : "not ") + "\"\", the end of a document");
        }
        return vocabulary;
    }
}
