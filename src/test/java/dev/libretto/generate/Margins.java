package dev.libretto.generate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.libretto.ReferenceModel;
import dev.libretto.Rounding;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Weights;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Whether a model writes a text for certain, whatever the rounding: a character must be chosen with a margin that no error of
 * the logits can use up, and the margins are those of exact arithmetic, so that they are the same on every processor.
 */
public final class Margins {
    private Margins() {}

    /** Asserts that the continuation of a prefix by the most likely characters is certain. */
    public static void assertGreedyIsCertain(ModelConfig config, Weights weights, int[] prefix, int length) {
        ReferenceModel model = new ReferenceModel(config, weights);
        double error = error(config, prefix.length + length);
        double[] state = after(model, prefix);
        for (int i = 0; i < length; i++) {
            double[] logits = model.logits(state);
            int[] order = descending(logits);
            assertThat(logits[order[0]] - logits[order[1]])
                    .as("the lead of character %d", i)
                    .isGreaterThan(2 * error);
            state = model.step(order[0], state);
        }
    }

    /**
     * Asserts the same of a sample at a temperature: no error changes which character has the stretch of [0, 1) that the
     * random number is in. Stretches are in the order of their probabilities, so those beside it must be clearly likelier and
     * less likely, and an error e of the logits moves an end at P by at most P (1 − P) (exp(4 e / temperature) − 1), which
     * is at most 2 e / temperature while e is small.
     */
    public static void assertDrawIsCertain(
            ModelConfig config, Weights weights, int[] prefix, int length, double temperature, long seed, int sample) {
        ReferenceModel model = new ReferenceModel(config, weights);
        double error = error(config, prefix.length + length);
        double[] state = after(model, prefix);
        for (int i = 0; i < length; i++) {
            double[] logits = model.logits(state);
            int[] order = descending(logits);
            double[] parts = Arrays.stream(order)
                    .mapToDouble(id -> Math.exp((logits[id] - logits[order[0]]) / temperature))
                    .toArray();
            double total = Arrays.stream(parts).sum();
            double uniform = CounterRandom.uniform(seed, sample, i);
            int drawn = 0;
            double end = parts[0] / total;
            while (end <= uniform) {
                end += parts[++drawn] / total;
            }
            double begin = end - parts[drawn] / total;
            double margin = 2 * error / temperature;
            if (drawn > 0) {
                assertThat(uniform - begin).as("from the begin at %d", i).isGreaterThan(margin);
                assertThat(logits[order[drawn - 1]] - logits[order[drawn]])
                        .as("below the one before at %d", i)
                        .isGreaterThan(2 * error);
            }
            if (drawn < order.length - 1) {
                assertThat(end - uniform).as("to the end at %d", i).isGreaterThan(margin);
                assertThat(logits[order[drawn]] - logits[order[drawn + 1]])
                        .as("above the one after at %d", i)
                        .isGreaterThan(2 * error);
            }
            state = model.step(order[drawn], state);
        }
    }

    /** Of logits of up to 1, as an untrained model's are. */
    private static double error(ModelConfig config, int timeSteps) {
        return Rounding.ofLogits(config, timeSteps);
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
