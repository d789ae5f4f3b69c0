package dev.libretto.model;

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
 */
public record ModelConfig(
        CellType cell, int vocabularySize, int hiddenSize, int layers, int embeddingSize, boolean tieEmbeddings) {
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

    /** Creates a configuration with one-hot inputs. */
    public ModelConfig(CellType cell, int vocabularySize, int hiddenSize, int layers) {
        this(cell, vocabularySize, hiddenSize, layers, 0, false);
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
        return new ModelConfig(newCell, vocabularySize, hiddenSize, layers, embeddingSize, tieEmbeddings);
    }

    /** Returns a copy with the given vocabulary size. */
    public ModelConfig withVocabularySize(int newVocabularySize) {
        return new ModelConfig(cell, newVocabularySize, hiddenSize, layers, embeddingSize, tieEmbeddings);
    }
}
