package dev.libretto.train;

import static org.assertj.core.api.Assertions.assertThat;

import dev.libretto.Bfloat16;
import dev.libretto.TestModels;
import dev.libretto.device.Precision;
import dev.libretto.device.Sessions;
import dev.libretto.model.CellType;
import dev.libretto.model.FloatTensors;
import dev.libretto.model.Initializers;
import dev.libretto.model.LanguageModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Parameter;
import dev.libretto.model.RecurrenceType;
import dev.libretto.model.Weights;
import dev.libretto.run.RunConfig;
import dev.libretto.text.Batches;
import dev.libretto.text.Batches.Batch;
import dev.libretto.text.Ids;
import dev.libretto.train.DeviceTrial.Steps;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TFloating;

/** The tolerances of the device trial allow for each precision's rounding, but not for a broken device. */
@Tag("numeric")
class PrecisionAgreementTest {
    private static final int T = 20;
    private static final int LAYERS = 2;

    /** The losses must fall: an overshooting step would amplify errors. */
    @ParameterizedTest
    @EnumSource
    void toleranceIsAboveRoundingAndBelowAOnePercentError(CellType cell) throws IOException {
        Steps float32 = new DeviceTrial(cell).run(TFloat32.class);
        assertThat(float32.losses()).isSortedAccordingTo((a, b) -> Float.compare(b, a));

        // Dropping the four lowest bits of each factor is more than the effect of the order of summation.
        assertThat(roundedTrial(cell, 20, false).differenceFrom(float32)).isLessThan(Precision.FLOAT32.tolerance());
        assertThat(roundedTrial(cell, 11, false).differenceFrom(float32)).isLessThan(Precision.TF32.tolerance());
        // Factors and products are rounded to nearest, as on a GPU.
        assertThat(roundedTrial(cell, 8, true).differenceFrom(float32)).isLessThan(Precision.BFLOAT16.tolerance());

        String gate = cell == CellType.RNN ? "Tanh" : "Sigmoid";
        assertThat(brokenTrial(cell, gate).differenceFrom(float32)).isGreaterThan(Precision.FLOAT32.tolerance());
        assertThat(brokenTrial(cell, "Tanh").differenceFrom(float32)).isGreaterThan(Precision.TF32.tolerance());
    }

    /**
     * If TensorFlow computes bfloat16 via float32, it truncates the products: errors are up to twice those of rounding, and all
     * in one direction.
     */
    @Test
    void bfloat16OfThisProcessorIsWithinTwiceTheTolerance() throws IOException {
        Bfloat16.assumeComputable();
        DeviceTrial trial = new DeviceTrial(CellType.RNN);
        double difference = trial.run(TBfloat16.class).differenceFrom(trial.run(TFloat32.class));
        assertThat(difference).isPositive().isLessThan(2 * Precision.BFLOAT16.tolerance());
    }

    @Test
    void bfloat16TrainingContinuesInFloat32() throws IOException {
        Bfloat16.assumeComputable();
        DeviceTrial trial = new DeviceTrial(CellType.RNN);
        Checkpoint start = trial.start;
        Batch batch = trial.batches.epoch(0).batch(0);
        Checkpoint trained;
        float before;
        try (TrainStep step = new TrainStep(
                trial.model,
                trial.training,
                start,
                Ids.of(),
                ExecutionPlan.of(trial.model, trial.training, false, TBfloat16.class, 0))) {
            before = step.run(batch, DeviceTrial.LEARNING_RATE, 1).loss();
            trained = step.checkpoint(start.progress());
        }
        try (TrainStep step = new TrainStep(
                trial.model,
                trial.training,
                trained,
                Ids.of(),
                ExecutionPlan.of(trial.model, trial.training, false, TFloat32.class, 0))) {
            Checkpoint same = step.checkpoint(start.progress());
            trained.weights()
                    .parameters()
                    .forEach(parameter -> assertThat(same.weights().of(parameter))
                            .as(parameter.name())
                            .isEqualTo(trained.weights().of(parameter))
                            .isNotEqualTo(start.weights().of(parameter)));
            float loss = step.run(batch, DeviceTrial.LEARNING_RATE, 2).loss();
            assertThat(loss).isLessThan(before);
        }
    }

    /** Runs the trial with factors rounded to the given number of bits of significand. */
    private static Steps roundedTrial(CellType cell, int bits, boolean alsoProducts) throws IOException {
        return trial(cell, graph -> RoundedProducts.of(graph, bits, alsoProducts));
    }

    /** Runs the trial with all values of a function too large by 1 %. */
    private static Steps brokenTrial(CellType cell, String function) throws IOException {
        return trial(cell, graph -> RoundedProducts.scaled(graph, function, 1.01f));
    }

    private static Steps trial(CellType cell, UnaryOperator<Graph> device) throws IOException {
        DeviceTrial trial = new DeviceTrial(cell);
        try (Graph graph = new Graph()) {
            TrainingGraph training = new TrainingGraph(
                    graph, trial.model, trial.training, ExecutionPlan.onCpu(trial.model, trial.training));
            try (Graph changed = device.apply(graph);
                    Session session = Sessions.open(changed)) {
                load(session, trial.start.weights());
                load(session, trial.start.state());
                return new Steps(losses(session, trial.batches.epoch(0), training.steps.get(0)), 0);
            }
        }
    }

    private static void load(Session session, Weights weights) {
        weights.parameters().forEach(parameter -> {
            String scope = "load_" + parameter.name().replace('/', '_');
            try (Tensor value = FloatTensors.of(parameter.shape(), weights.of(parameter))) {
                session.runner()
                        .feed(scope + "/value", value)
                        .addTarget(scope + "/assign")
                        .run()
                        .close();
            }
        });
    }

    /** @param step has the names of the operations to feed and fetch */
    private static List<Float> losses(Session session, Batches.Epoch epoch, TrainingGraph.Step step) {
        List<Float> losses = new ArrayList<>();
        Shape shape = step.characters.inputs().shape();
        for (int i = 0; i < DeviceTrial.STEPS; i++) {
            Batch batch = epoch.batch(i);
            try (TInt32 inputs = TInt32.tensorOf(shape, DataBuffers.of(batch.inputs()));
                    TInt32 targets = TInt32.tensorOf(shape, DataBuffers.of(batch.targets()));
                    TBool continues = TBool.scalarOf(batch.continues());
                    TFloat32 rate = TFloat32.scalarOf((float) DeviceTrial.LEARNING_RATE);
                    TInt64 number = TInt64.scalarOf(i + 1);
                    Result result = session.runner()
                            .feed(name(step.characters.inputs()), inputs)
                            .feed(name(step.characters.targets()), targets)
                            .feed(name(step.continues), continues)
                            .feed(name(step.learningRate), rate)
                            .feed(name(step.number), number)
                            .addTarget(step.update.op().name())
                            .fetch(name(step.loss))
                            .run()) {
                losses.add(((TFloat32) result.get(0)).getFloat());
            }
        }
        return losses;
    }

    private static String name(Operand<?> operand) {
        return operand.op().name();
    }

    /**
     * Two factors and a product are rounded in each layer and time step, forward and backward. Truncation errors are between 0
     * and 2 · 2⁻⁸; as the errors of a vector average out, their root mean square of 2 · 2⁻⁸ / √3 counts. A relative error ε
     * gives an angle whose cosine is at least 1 − ε² / 2.
     */
    @ParameterizedTest
    @EnumSource
    void bfloat16GradientsPointTheSameWay(CellType cell) {
        Bfloat16.assumeComputable();
        ModelConfig config = new ModelConfig(cell, 40, 32, LAYERS);
        double error = 0x1p-7 / Math.sqrt(3) * Math.sqrt(2 * 3 * LAYERS * T);
        List<float[]> expected = gradients(config, TFloat32.class);
        List<float[]> rounded = gradients(config, TBfloat16.class);
        for (int i = 0; i < expected.size(); i++) {
            Parameter parameter = LanguageModel.parameters(config).get(i);
            assertThat(rounded.get(i)).as(parameter.name()).isNotEqualTo(expected.get(i));
            assertThat(cosine(rounded.get(i), expected.get(i)))
                    .as(parameter.name())
                    .isGreaterThan(1 - error * error / 2);
        }
    }

    private static List<float[]> gradients(ModelConfig config, Class<? extends TFloating> factors) {
        int b = 8;
        RunConfig run = TestModels.runConfig(config, T, b, 1);
        ExecutionPlan plan = new ExecutionPlan(RecurrenceType.UNROLLED, Parts.of(1), factors, 1, 0);
        int v = config.vocabularySize();
        try (PartRun part = new PartRun(config, run.training(), plan)) {
            List<float[]> zeros = Collections.nCopies(config.states(), new float[b * config.hiddenSize()]);
            Weights gradients = part.run(
                            Initializers.draw(LanguageModel.parameters(config), 1),
                            TestModels.randomIds(T * b, v, 1),
                            TestModels.randomIds(T * b, v, 2),
                            zeros,
                            List.of())
                    .gradients();
            return gradients.parameters().stream().map(gradients::of).toList();
        }
    }

    private static double cosine(float[] a, float[] b) {
        double product = 0;
        double squaresOfA = 0;
        double squaresOfB = 0;
        for (int i = 0; i < a.length; i++) {
            product += (double) a[i] * b[i];
            squaresOfA += (double) a[i] * a[i];
            squaresOfB += (double) b[i] * b[i];
        }
        return product / Math.sqrt(squaresOfA * squaresOfB);
    }
}
