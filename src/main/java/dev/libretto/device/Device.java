package dev.libretto.device;

import java.util.Locale;
import org.tensorflow.proto.ConfigProto;
import org.tensorflow.proto.GPUOptions;

/**
 * A device to compute on.
 *
 * @param gpu null for the CPU
 */
public record Device(Gpu gpu) {
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

    public static final Device CPU = new Device(null);

    public boolean isGpu() {
        return gpu != null;
    }

    /**
     * Returns the configuration of a session on this device. A CPU session sees no GPU, and does without TensorFlow's graph
     * optimizer. A GPU session sees this GPU only and allocates its memory as needed; there the optimizer makes the textbook's
     * epoch shorter.
     */
    ConfigProto config() {
        if (!isGpu()) {
            return TensorFlowInternals.WITHOUT_OPTIMIZER.toBuilder()
                    .putDeviceCount("GPU", 0)
                    .build();
        }
        return ConfigProto.newBuilder()
                .setGpuOptions(GPUOptions.newBuilder()
                        .setAllowGrowth(true)
                        .setVisibleDeviceList(Integer.toString(gpu.index())))
                .build();
    }

    @Override
    public String toString() {
        int cores = Runtime.getRuntime().availableProcessors();
        return isGpu() ? gpu.toString() : "CPU, " + cores + (cores == 1 ? " core" : " cores");
    }
}
