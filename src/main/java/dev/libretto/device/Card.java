package dev.libretto.device;

import java.util.Locale;

/**
 * A GPU, as NVIDIA's driver describes it.
 *
 * @param index its number, from 0, among those that the process may use
 * @param memory in bytes
 * @param computeCapability major and minor as in 9.0
 */
public record Card(int index, String name, long memory, ComputeCapability computeCapability) {
    /** What a card can do. */
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
