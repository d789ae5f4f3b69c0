package dev.libretto.device;

import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.tensorflow.DeviceSpec;
import org.tensorflow.DeviceSpec.DeviceType;
import org.tensorflow.proto.ConfigProto;
import org.tensorflow.proto.GPUOptions;
import org.tensorflow.proto.GraphOptions;
import org.tensorflow.proto.RewriterConfig;

/**
 * A device to compute on: the CPU, a GPU, or several GPUs, of which each computes parts of a batch.
 *
 * @param gpus empty for the CPU
 */
public record Device(List<Gpu> gpus) {
    /**
     * An NVIDIA GPU, as described by the driver.
     *
     * @param index the index among the GPUs visible to the process, from 0
     * @param memory in bytes
     */
    public record Gpu(int index, String name, long memory, ComputeCapability computeCapability) {
        /** CUDA's feature level, such as 9.0. */
        public record ComputeCapability(int major, int minor) {
            @Override
            public String toString() {
                return major + "." + minor;
            }
        }

        @Override
        public String toString() {
            return String.format(
                    Locale.ROOT,
                    "GPU %d, %s, %.0f GiB, compute capability %s",
                    index,
                    name,
                    memory / (double) (1 << 30),
                    computeCapability);
        }
    }

    public static final Device CPU = new Device(List.of());

    /**
     * Returns a configuration without TensorFlow's graph optimizer. For a graph unrolled over time it takes many times as long as
     * the first batch, and it would change the bits: it reorders sums, and fuses operations.
     */
    static ConfigProto withoutOptimizer() {
        // No constant: protobuf would then need sun.misc.Unsafe before TensorFlowSetup can say so.
        return ConfigProto.newBuilder()
                .setGraphOptions(GraphOptions.newBuilder()
                        .setRewriteOptions(RewriterConfig.newBuilder().setDisableMetaOptimizer(true)))
                .build();
    }

    public Device {
        gpus = List.copyOf(gpus);
    }

    public boolean isGpu() {
        return !gpus.isEmpty();
    }

    /**
     * Returns the configuration of a session on this device. A CPU session sees no GPU, and does without TensorFlow's graph
     * optimizer. A GPU session sees these GPUs only, which TensorFlow numbers in this order, and allocates their memory as
     * needed; there the optimizer makes the textbook's epoch shorter.
     */
    ConfigProto config() {
        if (!isGpu()) {
            return withoutOptimizer().toBuilder().putDeviceCount("GPU", 0).build();
        }
        return ConfigProto.newBuilder()
                .setGpuOptions(GPUOptions.newBuilder()
                        .setAllowGrowth(true)
                        .setVisibleDeviceList(gpus.stream()
                                .map(gpu -> Integer.toString(gpu.index()))
                                .collect(Collectors.joining(","))))
                // Of several, a graph names the GPU of an operation, also of those that have no kernel for GPUs.
                .setAllowSoftPlacement(gpus.size() > 1)
                .build();
    }

    /** Returns where a session on this device computes parts: on each GPU of several, else where it computes everything. */
    List<DeviceSpec> places() {
        return gpus.size() > 1
                ? IntStream.range(0, gpus.size())
                        .mapToObj(index -> DeviceSpec.newBuilder()
                                .deviceType(DeviceType.GPU)
                                .deviceIndex(index)
                                .build())
                        .toList()
                : List.of(DeviceSpec.newBuilder().build());
    }

    @Override
    public String toString() {
        int cores = Runtime.getRuntime().availableProcessors();
        return isGpu()
                ? gpus.stream().map(Gpu::toString).collect(Collectors.joining("; "))
                : "CPU, " + cores + (cores == 1 ? " core" : " cores");
    }
}
