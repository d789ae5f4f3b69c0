package dev.libretto.train;

import static org.assertj.core.api.Assertions.assertThat;

import dev.libretto.TestModels;
import dev.libretto.model.CellType;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Parameter;
import dev.libretto.model.RecurrenceType;
import dev.libretto.model.Weights;
import dev.libretto.run.RunConfig;
import dev.libretto.text.Batches.Batch;
import dev.libretto.text.Ids;
import dev.libretto.train.Optimizer.Kind;
import dev.libretto.train.TrainStep.StepInput;
import dev.libretto.train.TrainStep.StepMetrics;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.tensorflow.types.TFloat32;

/** Several batches per run of the graph give the same bits as one: losses, gradient norms and checkpoints. */
@Tag("numeric")
class SeveralBatchesTest {
    private static final int T = 6;
    private static final int B = 3;
    private static final int V = 9;

    @ParameterizedTest
    @CsvSource({
        "RNN, 1, 0, SGD, 0, 0",
        "GRU, 2, 4, MOMENTUM, 0.3, 0",
        "GRU_RESET_BEFORE, 1, 4, RMSPROP, 0, 0.9",
        "LSTM, 2, 0, ADAM, 0.3, 0.9",
        "LSTM, 1, 0, ADAMW, 0, 0"
    })
    void severalBatchesMatchOneByOne(
            CellType cell, int layers, int embeddingSize, Kind optimizer, double dropout, double emaDecay) {
        ModelConfig model = new ModelConfig(cell, V, 4, layers, embeddingSize, embeddingSize > 0);
        TrainConfig training = TrainConfig.TEXTBOOK.with(c -> {
            c.seqLength = T;
            c.batchSize = B;
            c.parts = 1;
            c.optimizer = Optimizer.defaults(optimizer).withLearningRate(LearningRate.constant(0.1));
            c.dropout = dropout;
            c.emaDecay = emaDecay;
        });
        RunConfig config = new RunConfig(TestModels.runConfig(model, T, B, 1).corpus(), model, training);
        Checkpoint start = Checkpoint.start(config.model(), config.training(), TestModels.randomWeights(model, 3));
        List<StepInput> steps = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            int[] inputs = TestModels.randomIds(T * B, V, 2 * i);
            int[] targets = TestModels.randomIds(T * B, V, 2 * i + 1);
            // The state is reset at the beginning, within a run and at the start of a run.
            steps.add(new StepInput(
                    new Batch(inputs, targets, i != 0 && i != 2 && i != 4, new long[0]), 0.1 / (i + 1), i + 1));
        }
        List<StepMetrics> oneByOne = new ArrayList<>();
        List<StepMetrics> together = new ArrayList<>();
        try (TrainStep one = new TrainStep(config.model(), config.training(), start, Ids.of(), execution(1));
                TrainStep four = new TrainStep(config.model(), config.training(), start, Ids.of(), execution(4))) {
            assertThat(four.batchesPerRun()).isEqualTo(4);
            for (StepInput step : steps) {
                oneByOne.add(one.run(step.batch(), step.learningRate(), step.step()));
            }
            for (int from = 0; from < steps.size(); from += 4) {
                together.addAll(four.run(steps.subList(from, Math.min(from + 4, steps.size()))));
            }

            assertThat(together).isEqualTo(oneByOne);
            Checkpoint expected = one.checkpoint(Progress.start());
            Checkpoint actual = four.checkpoint(Progress.start());
            assertSameBits(actual.weights(), expected.weights());
            assertSameBits(actual.slots(), expected.slots());
            assertSameBits(actual.state(), expected.state());
            assertThat(actual.state().of(actual.state().parameters().get(0))).isNotEqualTo(new float[B * 4]);
        }
    }

    private static void assertSameBits(Weights actual, Weights expected) {
        assertThat(actual.parameters()).isEqualTo(expected.parameters());
        for (Parameter parameter : expected.parameters()) {
            assertThat(actual.of(parameter)).as(parameter.name()).containsExactly(expected.of(parameter));
        }
    }

    /** One part, as on a GPU, where several batches are a run. */
    private static ExecutionPlan execution(int batchesPerRun) {
        return new ExecutionPlan(RecurrenceType.UNROLLED, Parts.of(1), TFloat32.class, batchesPerRun, 0);
    }
}
