package dev.libretto.device;

import org.tensorflow.proto.ConfigProto;
import org.tensorflow.proto.GPUOptions;

/**
 * A device to compute on.
 *
 * @param gpu null for the CPU
 */
public record Device(Gpu gpu) {
    public static final Device CPU = new Device(null);

    public boolean isGpu() {
        return gpu != null;
    }

    /**
     * Returns the configuration of a session on this device. A CPU session sees no GPU; a GPU session sees this GPU only and
     * allocates its memory as needed.
     */
    ConfigProto config() {
        ConfigProto.Builder config = ConfigProto.newBuilder();
        if (!isGpu()) {
            return config.putDeviceCount("GPU", 0).build();
        }
        return config.setGpuOptions(GPUOptions.newBuilder()
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
