package dev.libretto.generate;

import dev.libretto.text.Ids;

/**
 * Adjusts the logits before another sampler chooses, in this order:
 *
 * <ol>
 *   <li>adds a bias to each character's logit; −∞ forbids the character;
 *   <li>penalizes characters that the last part of the text has (Keskar et al., 2019): divides positive logits by the penalty and
 *       multiplies negative ones with it;
 *   <li>forbids characters that would repeat an n-gram of the text.
 * </ol>
 *
 * <p>The text includes the prefix. If no character is left, the text ends.
 *
 * @param chooser chooses from the adjusted logits
 * @param bias {@code [V]}, or empty for none
 * @param penalty greater than 0; 1 for none, above 1 makes repetitions less likely
 * @param window how many of the last characters are penalized, or {@link History#WHOLE}
 * @param noRepeat the length of the n-grams that may not occur twice; 0 for none
 */
public record AdjustedSampler(Sampler chooser, float[] bias, double penalty, int window, int noRepeat)
        implements Sampler {
    /** Adjusts nothing. */
    AdjustedSampler(Sampler chooser) {
        this(chooser, new float[0], 1, 0, 0);
    }

    /** @throws IllegalArgumentException if a value is out of range */
    public AdjustedSampler {
        bias = bias.clone();
        for (float b : bias) {
            if (!(b < Float.POSITIVE_INFINITY)) {
                throw new IllegalArgumentException(
                        "a bias is " + b + "; it must be a number, or −∞ to forbid a character");
            }
        }
        if (!(penalty > 0 && penalty < Double.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException("repeat penalty is " + penalty + "; it must be greater than 0");
        }
        if (window < 0) {
            throw new IllegalArgumentException("repeat window is " + window + "; it must be at least 0");
        }
        if (noRepeat < 0) {
            throw new IllegalArgumentException("no-repeat is " + noRepeat + "; it must be at least 0");
        }
    }

    /** Returns a copy that adds a bias to each logit, −∞ to forbid a character. */
    public AdjustedSampler withBias(float... ofCharacters) {
        return new AdjustedSampler(chooser, ofCharacters, penalty, window, noRepeat);
    }

    /** Returns a copy that penalizes the characters of the last part of the text. */
    public AdjustedSampler withRepeatPenalty(double newPenalty, int newWindow) {
        return new AdjustedSampler(chooser, bias, newPenalty, newWindow, noRepeat);
    }

    /** Returns a copy that writes no n-gram twice. */
    public AdjustedSampler withNoRepeat(int n) {
        return new AdjustedSampler(chooser, bias, penalty, window, n);
    }

    /** Returns whether this chooses what its chooser alone would. */
    public boolean adjustsNothing() {
        return bias.length == 0 && penalty == 1 && noRepeat == 0;
    }

    @Override
    public float[] bias() {
        return bias.clone();
    }

    @Override
    public int lookBack() {
        int own = noRepeat > 0 ? History.WHOLE : penalty == 1 ? 0 : window;
        return Math.max(own, chooser.lookBack());
    }

    @Override
    public int sample(float[] logits, History text, double uniform) {
        float[] adjusted = adjust(logits, text);
        return adjusted[Logits.argMax(adjusted)] == Float.NEGATIVE_INFINITY
                ? Ids.NONE
                : chooser.sample(adjusted, text, uniform);
    }

    @Override
    public float[] adjust(float[] logits, History text) {
        float[] adjusted = chooser.adjust(logits, text).clone();
        for (int id = 0; id < bias.length; id++) {
            adjusted[id] += bias[id];
        }
        if (penalty != 1) {
            penalize(adjusted, text);
        }
        if (noRepeat > 0) {
            forbidRepetitions(adjusted, text);
        }
        return adjusted;
    }

    private void penalize(float[] logits, History text) {
        boolean[] isRecent = new boolean[logits.length];
        for (int i = 0; i < Math.min(window, text.length()); i++) {
            isRecent[text.back(i)] = true;
        }
        for (int id = 0; id < logits.length; id++) {
            if (isRecent[id]) {
                logits[id] *= (float) (logits[id] < 0 ? penalty : 1 / penalty);
            }
        }
    }

    /**
     * Forbids what follows an earlier occurrence of the last n − 1 characters. Knuth, Morris and Pratt's algorithm finds all in
     * linear time, because one text must not hold up the others of a batch.
     */
    private void forbidRepetitions(float[] logits, History text) {
        int n = noRepeat - 1;
        if (text.length() <= n) {
            return;
        }
        // All from the end of the text to its beginning. Of the last i characters, the last borders[i] are also the
        // first.
        int[] borders = new int[n + 1];
        int matched = 0;
        for (int i = Math.min(1, n); i < text.length(); i++) {
            while (matched > 0 && (matched == n || text.back(i) != text.back(matched))) {
                matched = borders[matched];
            }
            if (matched < n && text.back(i) == text.back(matched)) {
                matched++;
            }
            if (i < n) {
                borders[i + 1] = matched;
            }
            if (matched == n) {
                logits[text.back(i - n)] = Float.NEGATIVE_INFINITY;
            }
        }
    }
}
