package dev.libretto.model;

import com.fasterxml.jackson.annotation.JacksonInject;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonInclude.Include;
import com.fasterxml.jackson.annotation.OptBoolean;
import dev.libretto.text.Ids;
import dev.libretto.text.Vocabulary;
import java.util.Objects;

/**
 * The sizes of a model.
 *
 * @param cell the recurrent cell of every layer
 * @param vocabularySize V
 * @param hiddenSize H, hidden units of each layer
 * @param layers L, stacked layers
 * @param embeddingSize E, the size of the embedding; 0 for one-hot vectors
 * @param tieEmbeddings whether the dense kernel is the embedding's transpose (Press and Wolf, 2017), which needs E = H
 * @param endSymbol whether the last of the vocabulary is the end of a document. Over several time steps, the state is zero before
 *     it is read, because a document begins there
 */
public record ModelConfig(
        CellType cell,
        int vocabularySize,
        int hiddenSize,
        int layers,
        int embeddingSize,
        boolean tieEmbeddings,

        @JacksonInject(value = END_SYMBOL, useInput = OptBoolean.TRUE) @JsonInclude(Include.NON_DEFAULT)
        boolean endSymbol) {
    /** The name of the default for {@link #endSymbol}, false, in files that lack it. */
    public static final String END_SYMBOL = "endSymbol";

    /** The defaults are the textbook's. */
    public static final CellType DEFAULT_CELL = CellType.RNN;

    public static final int DEFAULT_HIDDEN_SIZE = 256;
    public static final int DEFAULT_LAYERS = 1;

    /** The largest hidden size; a recurrent kernel {@code [16384, 16384]} is 1 GiB. */
    public static final int MAX_HIDDEN_SIZE = 16_384;

    public static final int MAX_EMBEDDING_SIZE = MAX_HIDDEN_SIZE;
    public static final int MAX_LAYERS = 64;

    /** @throws IllegalArgumentException if a size is out of range */
    public ModelConfig {
        Objects.requireNonNull(cell, "cell");
        if (vocabularySize < 1) {
            throw new IllegalArgumentException("vocabulary size is " + vocabularySize + "; it must be at least 1");
        }
        if (hiddenSize < 1 || hiddenSize > MAX_HIDDEN_SIZE) {
            throw new IllegalArgumentException(
                    "hidden size is " + hiddenSize + "; it must be from 1 to " + MAX_HIDDEN_SIZE);
        }
        if (layers < 1 || layers > MAX_LAYERS) {
            throw new IllegalArgumentException("layers is " + layers + "; it must be from 1 to " + MAX_LAYERS);
        }
        if (embeddingSize < 0 || embeddingSize > MAX_EMBEDDING_SIZE) {
            throw new IllegalArgumentException(
                    "embedding size is " + embeddingSize + "; it must be from 0 (none) to " + MAX_EMBEDDING_SIZE);
        }
        if (tieEmbeddings && embeddingSize != hiddenSize) {
            throw new IllegalArgumentException("tied embeddings need an embedding size equal to the hidden size, "
                    + hiddenSize + "; it is " + embeddingSize);
        }
    }

    /** Creates a configuration without the end of a document. */
    public ModelConfig(
            CellType cell, int vocabularySize, int hiddenSize, int layers, int embeddingSize, boolean tieEmbeddings) {
        this(cell, vocabularySize, hiddenSize, layers, embeddingSize, tieEmbeddings, false);
    }

    /** Creates a configuration with one-hot inputs. */
    public ModelConfig(CellType cell, int vocabularySize, int hiddenSize, int layers) {
        this(cell, vocabularySize, hiddenSize, layers, 0, false);
    }

    /** Returns the id of the end of a document; {@link Ids#NONE} without it. */
    public int end() {
        return endSymbol ? vocabularySize - 1 : Ids.NONE;
    }

    /** Returns the number of arrays {@code [B, H]} in the state of all layers. */
    public int states() {
        return layers * cell.states();
    }

    boolean hasEmbedding() {
        return embeddingSize > 0;
    }

    /** Returns I, the input size of a layer: V or E for the first, H for the others. */
    int inputSize(int layer) {
        if (layer > 0) {
            return hiddenSize;
        }
        return hasEmbedding() ? embeddingSize : vocabularySize;
    }

    /** Returns whether a layer reads characters as one-hot vectors. */
    boolean readsOneHot(int layer) {
        return layer == 0 && !hasEmbedding();
    }

    /** Returns a copy with the given cell. */
    public ModelConfig withCell(CellType newCell) {
        return new ModelConfig(newCell, vocabularySize, hiddenSize, layers, embeddingSize, tieEmbeddings, endSymbol);
    }

    /** Returns a copy with the given vocabulary size. */
    public ModelConfig withVocabularySize(int newVocabularySize) {
        return new ModelConfig(cell, newVocabularySize, hiddenSize, layers, embeddingSize, tieEmbeddings, endSymbol);
    }

    /** Returns a copy for the given vocabulary. */
    public ModelConfig withVocabulary(Vocabulary vocabulary) {
        return new ModelConfig(
                cell, vocabulary.size(), hiddenSize, layers, embeddingSize, tieEmbeddings, vocabulary.hasEnd());
    }
}
