package dev.libretto.device;

import java.util.Locale;

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
