package dev.libretto.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.libretto.TestModels;
import dev.libretto.device.Build;
import dev.libretto.model.CellType;
import dev.libretto.model.ModelConfig;
import dev.libretto.run.RunConfig;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.tensorflow.Graph;
import org.tensorflow.TensorFlow;
import org.tensorflow.internal.c_api.TF_Buffer;
import org.tensorflow.internal.c_api.TF_Status;
import org.tensorflow.internal.c_api.global.tensorflow;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.KernelDef;
import org.tensorflow.proto.KernelList;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TFloating;

/** Every computation in a GPU's training graph has a GPU kernel, according to the CUDA build; needs no GPU. */
class PlacementTest {
    /** The types that a GPU computes with; booleans and int32, for shapes and axes, stay on the CPU. */
    private static final Set<DataType> COMPUTED =
            EnumSet.of(DataType.DT_FLOAT, DataType.DT_BFLOAT16, DataType.DT_INT64);

    private static final int TEXT_LENGTH = 100;

    @BeforeAll
    static void requireCudaBuild() {
        assumeTrue(Build.current().isCuda(), "the CPU build has no GPU kernels");
        // Loads the native library.
        TensorFlow.version();
    }

    @ParameterizedTest
    @CsvSource({
        "RNN, SGD, 0, false",
        "GRU, MOMENTUM, 4, false",
        "GRU_RESET_BEFORE, RMSPROP, 4, true",
        "LSTM, ADAM, 0, false",
        "LSTM, ADAMW, 4, true"
    })
    void everyComputationHasAGpuKernel(CellType cell, Optimizer.Kind optimizer, int embeddingSize, boolean isTied)
            throws Exception {
        ModelConfig model = new ModelConfig(cell, 6, 4, 2, embeddingSize, isTied);
        RunConfig plain = TestModels.runConfig(model, 4, 2, 1);
        TrainConfig training = plain.training().with(c -> {
            c.optimizer = Optimizer.defaults(optimizer);
            c.emaDecay = 0.9;
        });
        RunConfig run = new RunConfig(plain.corpus(), model, TestModels.withDropout(training, 0.2));
        for (Class<? extends TFloating> factors : List.of(TFloat32.class, TBfloat16.class)) {
            ExecutionPlan plan = ExecutionPlan.of(run.model(), run.training(), true, factors, TEXT_LENGTH);
            List<String> without = new ArrayList<>();
            try (Graph graph = new Graph()) {
                new TrainingGraph(graph, run.model(), run.training(), plan.at(CudnnGraphTest.TWO_GPUS));
                for (NodeDef node : TestGraphs.nodes(graph.toGraphDef())) {
                    if (isComputed(node) && !hasKernelForGpus(node)) {
                        without.add(node.getOp() + " " + node.getName());
                    }
                }
            }
            assertThat(without).isEmpty();
        }
    }

    private static boolean isComputed(NodeDef node) {
        // Fed values come from the CPU, and the ids of a batch, which are few, are split into parts there.
        return !node.getOp().equals("Placeholder")
                && !(node.getOp().equals("Split") && node.getAttrOrThrow("T").getType() == DataType.DT_INT64)
                && node.getAttrMap().values().stream().map(AttrValue::getType).anyMatch(COMPUTED::contains);
    }

    private static boolean hasKernelForGpus(NodeDef node) throws Exception {
        try (TF_Status status = TF_Status.newStatus();
                TF_Buffer list = tensorflow.TF_GetRegisteredKernelsForOp(node.getOp(), status)) {
            return KernelList.parseFrom(list.dataAsByteBuffer()).getKernelList().stream()
                    .filter(kernel -> kernel.getDeviceType().equals("GPU"))
                    .anyMatch(kernel -> kernel.getConstraintList().stream().allMatch(only -> allows(only, node)));
        }
    }

    private static boolean allows(KernelDef.AttrConstraint only, NodeDef node) {
        AttrValue value = node.getAttrOrThrow(only.getName());
        return value.getValueCase() != AttrValue.ValueCase.TYPE
                || only.getAllowedValues().getList().getTypeList().contains(value.getType());
    }
}
