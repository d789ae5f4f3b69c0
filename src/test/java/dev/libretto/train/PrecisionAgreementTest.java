package dev.libretto.train;

import static org.assertj.core.api.Assertions.assertThat;

import dev.libretto.Bfloat16;
import dev.libretto.TestModels;
import dev.libretto.benchmark.DeviceTrial;
import dev.libretto.benchmark.DeviceTrial.Steps;
import dev.libretto.benchmark.Workload;
import dev.libretto.device.Precision;
import dev.libretto.model.CellType;
import dev.libretto.model.FloatTensors;
import dev.libretto.model.Initializers;
import dev.libretto.model.LanguageModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Parameter;
import dev.libretto.model.Weights;
import dev.libretto.run.Checkpoint;
import dev.libretto.run.RunConfig;
import dev.libretto.text.Batch;
import dev.libretto.text.Batches;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
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
import org.tensorflow.types.family.TFloating;

/**
 * How far training in a lower precision is from training in float32: what {@link Precision#tolerance} follows from. The simple
 * cell differs the most; with the others it is 7.5e-8 to 2.2e-7 in TF32 and 1.5e-5 to 2.3e-5 in bfloat16.
 */
@Tag("numeric")
class PrecisionAgreementTest {
    private static Workload textbook;
    private static Steps float32;

    @BeforeAll
    static void trainInFloat32() throws IOException {
        textbook = Workload.rnn();
        float32 = DeviceTrial.run(CellType.RNN, TFloat32.class);
    }

    @Test
    void theLossesInFloat32FallFarMoreThanAnyToleranceAllows() {
        List<Float> losses = float32.losses();
        assertThat(losses).isSortedAccordingTo((a, b) -> Float.compare(b, a));
        double fall = (losses.get(0) - losses.get(DeviceTrial.STEPS - 1)) / losses.get(0);
        assertThat(fall).isGreaterThan(20 * Precision.BFLOAT16.tolerance());
    }

    /** 7.6e-8 with the four lowest of its bits lost, which is more than what the order of summation does. */
    @Test
    void theToleranceOfFloat32() {
        double difference = trialWithFactorsOf(20, false).differenceFrom(float32);
        assertThat(difference).isLessThan(Precision.FLOAT32.tolerance() / 50);
    }

    /** 4.4e-6, from both factors of every product rounded, forward and backward. */
    @Test
    void theToleranceOfTf32() {
        double difference = trialWithFactorsOf(11, false).differenceFrom(float32);
        assertThat(difference).isBetween(1e-6, Precision.TF32.tolerance() / 10);
    }

    /**
     * 6.3e-5 where factors and products are rounded to the nearest, as cards do it; 4.8e-4 where the processor has no
     * bfloat16 and TensorFlow cuts the products off instead.
     */
    @Test
    void theToleranceOfBfloat16() throws IOException {
        double rounded = trialWithFactorsOf(8, true).differenceFrom(float32);
        assertThat(rounded).isBetween(1e-5, Precision.BFLOAT16.tolerance() / 10);
        Bfloat16.assumeComputable();
        double here = DeviceTrial.run(CellType.RNN, TBfloat16.class).differenceFrom(float32);
        assertThat(here).isBetween(1e-5, Precision.BFLOAT16.tolerance() / 2);
    }

    @Test
    void weightsDoNotDependOnThePrecisionThatTrainedThem() {
        Bfloat16.assumeComputable();
        RunConfig config = textbook.config();
        Checkpoint start = Checkpoint.start(config, textbook.weights());
        Batch batch = textbook.batches().epoch(0).batch(0);
        Checkpoint trained;
        try (TrainStep step = new TrainStep(config, start, TBfloat16.class)) {
            step.run(batch, DeviceTrial.LEARNING_RATE, 1);
            trained = step.checkpoint(start.progress());
        }
        try (TrainStep step = new TrainStep(config, trained, TFloat32.class)) {
            Checkpoint same = step.checkpoint(start.progress());
            trained.weights()
                    .parameters()
                    .forEach(parameter -> assertThat(same.weights().of(parameter))
                            .as(parameter.name())
                            .isEqualTo(trained.weights().of(parameter))
                            .isNotEqualTo(start.weights().of(parameter)));
            float loss = step.run(batch, DeviceTrial.LEARNING_RATE, 2).loss();
            assertThat(loss).isLessThan(float32.losses().get(0));
        }
    }

    /** The trial as a card computes it that rounds to so many bits of significand. */
    private static Steps trialWithFactorsOf(int bits, boolean alsoProducts) {
        try (Graph graph = new Graph()) {
            TrainingGraph training = new TrainingGraph(graph, textbook.config(), Execution.onCpu(textbook.config()));
            try (Graph rounded = RoundedProducts.of(graph, bits, alsoProducts);
                    Session session = new Session(rounded)) {
                load(session, textbook.weights());
                load(
                        session,
                        Checkpoint.start(textbook.config(), textbook.weights()).state());
                return new Steps(losses(session, training.steps.get(0)), 0);
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

    /** @param step has the names of what is fed and fetched */
    private static List<Float> losses(Session session, TrainingGraph.Step step) {
        Batches.Epoch epoch = textbook.batches().epoch(0);
        List<Float> losses = new ArrayList<>();
        Shape shape = step.characters.inputs().shape();
        for (int i = 0; i < DeviceTrial.STEPS; i++) {
            Batch batch = epoch.batch(i);
            try (TInt32 inputs = TInt32.tensorOf(shape, DataBuffers.of(batch.inputs()));
                    TInt32 targets = TInt32.tensorOf(shape, DataBuffers.of(batch.targets()));
                    TBool continues = TBool.scalarOf(batch.continues());
                    TFloat32 rate = TFloat32.scalarOf((float) DeviceTrial.LEARNING_RATE);
                    Result result = session.runner()
                            .feed(name(step.characters.inputs()), inputs)
                            .feed(name(step.characters.targets()), targets)
                            .feed(name(step.continues), continues)
                            .feed(name(step.learningRate), rate)
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

    /** The largest angle, of the simple cell, has a cosine of 1 − 1.1e-4. */
    @ParameterizedTest
    @EnumSource
    void gradientsInBfloat16PointTheSameWay(CellType cell) {
        Bfloat16.assumeComputable();
        ModelConfig config = new ModelConfig(cell, 40, 32, 2);
        List<float[]> expected = gradients(config, TFloat32.class);
        List<float[]> rounded = gradients(config, TBfloat16.class);
        for (int i = 0; i < expected.size(); i++) {
            Parameter parameter = LanguageModel.parameters(config).get(i);
            assertThat(rounded.get(i)).as(parameter.name()).isNotEqualTo(expected.get(i));
            assertThat(cosine(rounded.get(i), expected.get(i)))
                    .as(parameter.name())
                    .isGreaterThan(1 - 1e-3);
        }
    }

    private static List<float[]> gradients(ModelConfig config, Class<? extends TFloating> factors) {
        int t = 20;
        int b = 8;
        try (Graph graph = new Graph();
                Session session = new Session(graph);
                TFloat32 zeros = FloatTensors.zeros(Shape.of(b, config.hiddenSize()));
                TInt32 inputs = ids(t, b, config.vocabularySize(), 1);
                TInt32 targets = ids(t, b, config.vocabularySize(), 2)) {
            RunConfig run = TestModels.runConfig(config, t, b, 1);
            TrainingGraph training = new TrainingGraph(graph, run, Execution.of(run, false, factors, 0));
            TrainingGraph.Step step = training.steps.get(0);
            training.variables.load(session, Initializers.draw(LanguageModel.parameters(config), 1));
            Session.Runner runner =
                    session.runner().feed(step.characters.inputs(), inputs).feed(step.characters.targets(), targets);
            step.before.forEach(state -> runner.feed(state, zeros));
            step.gradients.forEach(runner::fetch);
            try (Result result = runner.run()) {
                List<float[]> gradients = new ArrayList<>();
                result.forEach(entry -> gradients.add(FloatTensors.toArray((TFloat32) entry.getValue())));
                return gradients;
            }
        }
    }

    private static TInt32 ids(int t, int b, int vocabularySize, int seed) {
        return TInt32.tensorOf(Shape.of(t, b), DataBuffers.of(TestModels.randomIds(t * b, vocabularySize, seed)));
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
