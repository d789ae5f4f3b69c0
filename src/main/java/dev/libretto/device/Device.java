package dev.libretto.device;

import org.tensorflow.proto.ConfigProto;
import org.tensorflow.proto.GPUOptions;

/**
 * A device to compute on.
 *
 * @param card the card; null for the CPU
 */
public record Device(Card card) {
    public static final Device CPU = new Device(null);

    /** Whether it is a GPU. */
    public boolean isGpu() {
        return card != null;
    }

    /**
     * How a session is to be configured: one for the CPU has no GPU; one for a GPU has that one only, and takes its memory
     * as it is needed instead of all at once.
     */
    ConfigProto config() {
        ConfigProto.Builder config = ConfigProto.newBuilder();
        if (!isGpu()) {
            return config.putDeviceCount("GPU", 0).build();
        }
        return config.setGpuOptions(GPUOptions.newBuilder()
                        .setAllowGrowth(true)
                        .setVisibleDeviceList(Integer.toString(card.index())))
                .build();
    }

    @Override
    public String toString() {
        int cores = Runtime.getRuntime().availableProcessors();
        return isGpu() ? card.toString() : "CPU, " + cores + (cores == 1 ? " core" : " cores");
    }
}
