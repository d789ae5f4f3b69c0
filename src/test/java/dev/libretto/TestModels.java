package dev.libretto;

import dev.libretto.model.LanguageModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Weights;
import dev.libretto.run.RunConfig;
import dev.libretto.text.Batches.Sampling;
import dev.libretto.text.Normalization;
import dev.libretto.train.Clipping;
import dev.libretto.train.CorpusInfo;
import dev.libretto.train.Optimizer;
import dev.libretto.train.TrainConfig;
import java.util.List;
import java.util.Random;

/** Small models for tests, with all weights random, biases too. */
public final class TestModels {
    private TestModels() {}

    /** A run of clipped plain descent, the rows in two parts where there are two, whatever the machine. */
    public static RunConfig runConfig(ModelConfig model, int seqLength, int batchSize, double clipNorm) {
        Optimizer optimizer = Optimizer.TEXTBOOK.withClipping(new Clipping(Clipping.By.NORM, clipNorm));
        return new RunConfig(
                CorpusInfo.unknown(false, Normalization.NONE, false),
                model,
                TrainConfig.TEXTBOOK
                        .withBatches(seqLength, batchSize, Sampling.CONSECUTIVE)
                        .with(c -> c.parts = Math.min(2, batchSize))
                        .with(c -> c.optimizer = optimizer));
    }

    public static TrainConfig withDropout(TrainConfig config, double dropout) {
        return config.with(c -> c.dropout = dropout);
    }

    public static Weights randomWeights(ModelConfig config, long seed) {
        Random random = new Random(seed);
        return new Weights(LanguageModel.parameters(config), parameter -> {
            float[] values = new float[parameter.size()];
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) (0.5 * random.nextGaussian());
            }
            return values;
        });
    }

    /** The arrays of a state of {@code rows} rows, each {@code [rows, H]}. */
    public static List<float[]> randomState(ModelConfig config, int rows, long seed) {
        Random random = new Random(seed);
        return LanguageModel.stateShapes(config, rows).stream()
                .map(shape -> {
                    float[] values = new float[(int) shape.size()];
                    for (int i = 0; i < values.length; i++) {
                        values[i] = (float) random.nextGaussian();
                    }
                    return values;
                })
                .toList();
    }

    /** The arrays of a state, each {@code [rows, H]}, as the rows that {@link ReferenceModel} steps. */
    public static double[][] rows(List<float[]> state, int rows) {
        int h = state.get(0).length / rows;
        double[][] result = new double[rows][state.size() * h];
        for (int array = 0; array < state.size(); array++) {
            for (int i = 0; i < rows * h; i++) {
                result[i / h][array * h + i % h] = state.get(array)[i];
            }
        }
        return result;
    }

    public static int[] randomIds(int count, int vocabularySize, long seed) {
        return new Random(seed).ints(count, 0, vocabularySize).toArray();
    }
}
