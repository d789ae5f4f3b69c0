package dev.libretto.generate;

import dev.libretto.text.Vocabulary;
import java.util.Arrays;

/** Collects what an {@link AdjustedSampler} adds to the logits of some characters. */
public final class LogitBias {
    private final Vocabulary vocabulary;
    private final float[] bias;
    private boolean isEmpty = true;

    /** Starts without a bias. */
    public LogitBias(Vocabulary vocabulary) {
        this.vocabulary = vocabulary;
        this.bias = new float[vocabulary.size()];
    }

    /** Sets the bias of characters; −∞ forbids them. */
    public void set(int[] ids, float value) {
        isEmpty = false;
        for (int id : ids) {
            bias[id] = value;
        }
    }

    /** Forbids all other characters. */
    public void allowOnly(int[] ids) {
        isEmpty = false;
        int[] sorted = ids.clone();
        Arrays.sort(sorted);
        for (int id = 0; id < bias.length; id++) {
            bias[id] = Arrays.binarySearch(sorted, id) < 0 ? Float.NEGATIVE_INFINITY : bias[id];
        }
    }

    public void forbid(int[] ids) {
        set(ids, Float.NEGATIVE_INFINITY);
    }

    /**
     * Returns the bias of each logit; empty for none. The end of a document is always allowed.
     *
     * @throws IllegalArgumentException if no character is left
     */
    public float[] toArray() {
        if (isEmpty) {
            return new float[0];
        }
        int characters = bias.length - (vocabulary.hasEnd() ? 1 : 0);
        float[] result = Arrays.copyOf(Arrays.copyOf(bias, characters), bias.length);
        for (int id = 0; id < characters; id++) {
            if (result[id] > Float.NEGATIVE_INFINITY) {
                return result;
            }
        }
        throw new IllegalArgumentException("no character is left to write; forbid fewer characters");
    }
}
