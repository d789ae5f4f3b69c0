package dev.libretto.generate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.libretto.ReferenceModel;
import dev.libretto.Rounding;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Weights;
import dev.libretto.text.CounterRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Checks that rounding cannot change a text: each character is chosen by a margin greater than the error of the logits. The
 * margins are computed exactly, so they are the same on every processor.
 */
public final class Margins {
    private Margins() {}

    /** Asserts that rounding cannot change the greedy continuation of a prefix. */
    public static void assertGreedyIsCertain(ModelConfig config, Weights weights, int[] prefix, int length) {
        greedy(config, weights, prefix, length, Sampler.GREEDY.adjusted());
    }

    /**
     * Returns the greedy continuation of a prefix with adjusted logits, and asserts that rounding cannot change it. The penalty
     * multiplies the error of a logit at most with itself or its reciprocal.
     */
    public static List<Integer> greedy(
            ModelConfig config, Weights weights, int[] prefix, int length, AdjustedSampler sampler) {
        double factor = Math.max(sampler.penalty(), 1 / sampler.penalty());
        History text = new History(prefix, sampler.lookBack());
        List<Integer> written = new ArrayList<>();
        ReferenceModel model = new ReferenceModel(config, weights);
        double[] state = after(model, prefix);
        for (int i = 0; i < length; i++) {
            double[] logits = model.logits(state);
            // Two more roundings: to float32, and of the adjusted logit.
            double largest = Arrays.stream(logits).map(Math::abs).max().orElseThrow();
            double error = (error(config, prefix.length + i, logits) + largest * Rounding.after(2)) * factor;
            float[] adjusted = sampler.adjust(floats(logits), text);
            int[] order = Logits.largest(adjusted, 2);
            assertThat(adjusted[order[0]] - adjusted[order[1]])
                    .as("margin of character %d", i)
                    .isGreaterThan((float) (2 * error));
            state = model.step(order[0], state);
            text.add(order[0]);
            written.add(order[0]);
        }
        return written;
    }

    private static float[] floats(double[] values) {
        float[] floats = new float[values.length];
        for (int i = 0; i < floats.length; i++) {
            floats[i] = (float) values[i];
        }
        return floats;
    }

    /**
     * Asserts that rounding cannot change a sample: the random number stays in the same character's interval of [0, 1).
     * Intervals are sorted by probability, so the neighbours must be clearly more and less likely. An error e of the logits
     * moves a bound at P by at most P (1 − P) (exp(4 e / temperature) − 1), which is at most 2 e / temperature for small e.
     */
    public static void assertDrawIsCertain(
            ModelConfig config, Weights weights, int[] prefix, int length, double temperature, long seed, int sample) {
        ReferenceModel model = new ReferenceModel(config, weights);
        double[] state = after(model, prefix);
        for (int i = 0; i < length; i++) {
            double[] logits = model.logits(state);
            double error = error(config, prefix.length + i, logits);
            int[] order = descending(logits);
            double[] masses = Arrays.stream(order)
                    .mapToDouble(id -> Math.exp((logits[id] - logits[order[0]]) / temperature))
                    .toArray();
            double total = Arrays.stream(masses).sum();
            double uniform = CounterRandom.uniform(seed, sample, i);
            int drawn = 0;
            double end = masses[0] / total;
            while (end <= uniform) {
                end += masses[++drawn] / total;
            }
            double begin = end - masses[drawn] / total;
            double margin = 2 * error / temperature;
            if (drawn > 0) {
                assertThat(uniform - begin)
                        .as("distance to the lower bound at %d", i)
                        .isGreaterThan(margin);
                assertThat(logits[order[drawn - 1]] - logits[order[drawn]])
                        .as("margin to the likelier neighbour at %d", i)
                        .isGreaterThan(2 * error);
            }
            if (drawn < order.length - 1) {
                assertThat(end - uniform)
                        .as("distance to the upper bound at %d", i)
                        .isGreaterThan(margin);
                assertThat(logits[order[drawn]] - logits[order[drawn + 1]])
                        .as("margin to the less likely neighbour at %d", i)
                        .isGreaterThan(2 * error);
            }
            state = model.step(order[drawn], state);
        }
    }

    /** Of each logit, in proportion to the largest. */
    static double error(ModelConfig config, int timeSteps, double[] logits) {
        double largest = Math.max(1, Arrays.stream(logits).map(Math::abs).max().orElseThrow());
        return largest * Rounding.ofLogits(config, timeSteps);
    }

    private static double[] after(ReferenceModel model, int[] prefix) {
        double[] state = model.zeroState();
        for (int id : prefix) {
            state = model.step(id, state);
        }
        return state;
    }

    private static int[] descending(double[] logits) {
        return IntStream.range(0, logits.length)
                .boxed()
                .sorted((a, b) -> Double.compare(logits[b], logits[a]))
                .mapToInt(id -> id)
                .toArray();
    }
}
