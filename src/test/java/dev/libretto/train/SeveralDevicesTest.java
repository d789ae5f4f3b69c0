package dev.libretto.train;

import static org.assertj.core.api.Assertions.assertThat;

import dev.libretto.TestModels;
import dev.libretto.device.Sessions;
import dev.libretto.device.VirtualCpus;
import dev.libretto.model.CellType;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.RecurrenceType;
import dev.libretto.text.Batches.Batch;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.tensorflow.DeviceSpec;
import org.tensorflow.DeviceSpec.DeviceType;
import org.tensorflow.Graph;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.proto.DeviceStepStats;
import org.tensorflow.proto.NodeExecStats;
import org.tensorflow.proto.RunOptions;
import org.tensorflow.proto.RunOptions.TraceLevel;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt64;

/** Parts on several devices of one process, as on several GPUs, have the bits of one device. */
@Tag("numeric")
class SeveralDevicesTest {
    private static final int T = 5;
    private static final int B = 6;
    private static final int V = 9;
    private static final int STEPS = 3;
    private static final double DROPOUT = 0.3;

    /** The results of training, and the devices that computed products. */
    private record Trained(List<Float> metrics, List<float[]> arrays, List<String> devices) {}

    @ParameterizedTest
    @CsvSource({
        "RNN, 2, '', 0",
        "GRU, 2, layer_1, 0.9",
        "GRU_RESET_BEFORE, 3, '', 0",
        "LSTM, 2, '', 0.9",
        "LSTM, 3, layer_0 dense, 0",
        "LSTM, 4, '', 0.9"
    })
    void devicesDoNotChangeTheBits(CellType cell, int parts, String frozen, double emaDecay) {
        Trained one = train(cell, parts, 1, frozen, emaDecay);
        assertThat(one.devices()).containsExactly("CPU:0");
        for (int devices = 2; devices <= parts; devices++) {
            Trained several = train(cell, parts, devices, frozen, emaDecay);
            assertThat(several.devices())
                    .isEqualTo(IntStream.range(0, devices)
                            .mapToObj(index -> "CPU:" + index)
                            .toList());
            assertThat(several.metrics()).isEqualTo(one.metrics());
            assertThat(several.arrays()).usingRecursiveComparison().isEqualTo(one.arrays());
        }
    }

    /** So the comparison can fail. */
    @Test
    void partsChangeTheBits() {
        assertThat(train(CellType.LSTM, 3, 1, "", 0).metrics())
                .isNotEqualTo(train(CellType.LSTM, 2, 1, "", 0).metrics());
    }

    /** @param frozen layers, separated by spaces */
    private static Trained train(CellType cell, int parts, int devices, String frozen, double emaDecay) {
        ModelConfig model = new ModelConfig(cell, V, 5, 2);
        TrainConfig training = TestModels.withDropout(
                TestModels.runConfig(model, T, B, 1).training().with(c -> {
                    c.optimizer = Optimizer.adam(0.01);
                    c.emaDecay = emaDecay;
                    c.frozen = Stream.of(frozen.split(" "))
                            .filter(layer -> !layer.isEmpty())
                            .toList();
                }),
                DROPOUT);
        List<DeviceSpec> places = IntStream.range(0, devices)
                .mapToObj(index -> DeviceSpec.newBuilder()
                        .deviceType(DeviceType.CPU)
                        .deviceIndex(index)
                        .build())
                .toList();
        ExecutionPlan plan = new ExecutionPlan(RecurrenceType.UNROLLED, Parts.of(parts, places), TFloat32.class, 1, 0);
        Checkpoint start = Checkpoint.start(model, training, TestModels.randomWeights(model, 3));
        try (Graph graph = Sessions.newGraph()) {
            TrainingGraph nodes = new TrainingGraph(graph, model, training, plan);
            try (Session session = VirtualCpus.open(graph, parts, devices)) {
                nodes.weights.load(session, start.weights());
                nodes.slots.load(session, start.slots());
                nodes.state.load(session, start.state());
                List<Float> metrics = new ArrayList<>();
                Map<String, String> computed = new HashMap<>();
                for (int i = 0; i < STEPS; i++) {
                    metrics.addAll(step(session, nodes.steps.get(0), i, computed));
                }
                List<float[]> arrays = Stream.of(nodes.weights, nodes.slots, nodes.state)
                        .map(variables -> variables.read(session))
                        .flatMap(values -> values.parameters().stream().map(values::of))
                        .toList();
                return new Trained(
                        metrics, arrays, computed.keySet().stream().sorted().toList());
            }
        }
    }

    /** @param computed receives the devices that computed products */
    private static List<Float> step(Session session, TrainingGraph.Step step, int i, Map<String, String> computed) {
        Batch batch = new Batch(
                TestModels.randomIds(T * B, V, 2 * i), TestModels.randomIds(T * B, V, 2 * i + 1), i > 0, new long[0]);
        List<Tensor> fed = new ArrayList<>();
        Session.Runner runner = session.runner()
                .setOptions(RunOptions.newBuilder()
                        .setTraceLevel(TraceLevel.SOFTWARE_TRACE)
                        .build())
                .addTarget(step.update)
                .fetch(step.loss)
                .fetch(step.gradientNorm);
        step.characters.feed(batch, (placeholder, tensor) -> {
            fed.add(tensor);
            runner.feed(placeholder, tensor);
        });
        try (TBool continues = TBool.scalarOf(batch.continues());
                TFloat32 rate = TFloat32.scalarOf(0.01f);
                TInt64 number = TInt64.scalarOf(i + 1);
                Result result = runner.feed(step.continues, continues)
                        .feed(step.learningRate, rate)
                        .feed(step.number, number)
                        .runAndFetchMetadata()) {
            for (DeviceStepStats device :
                    result.getMetadata().orElseThrow().getStepStats().getDevStatsList()) {
                for (NodeExecStats node : device.getNodeStatsList()) {
                    if (node.getNodeName().contains("MatMul")) {
                        computed.put(device.getDevice().replaceFirst(".*device:", ""), node.getNodeName());
                    }
                }
            }
            return List.of(((TFloat32) result.get(0)).getFloat(), ((TFloat32) result.get(1)).getFloat());
        } finally {
            fed.forEach(Tensor::close);
        }
    }
}
