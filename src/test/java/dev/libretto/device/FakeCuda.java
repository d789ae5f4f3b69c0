package dev.libretto.device;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.libretto.device.CudaDriver.LibCuda;
import dev.libretto.device.Device.Gpu;
import dev.libretto.device.Device.Gpu.ComputeCapability;
import java.util.List;

/**
 * A fake driver.
 *
 * @param initStatus returned by {@code cuInit}
 * @param version returned by {@code cuDriverGetVersion}
 */
record FakeCuda(int initStatus, int version, List<Gpu> gpus) implements LibCuda {
    static final Gpu OLD = new Gpu(0, "Tesla V100", 16L << 30, new ComputeCapability(7, 0));
    static final Gpu NEW = new Gpu(1, "NVIDIA H100", 80L << 30, new ComputeCapability(9, 0));

    /** A CUDA 12.6 driver with an old and a new GPU. */
    static final FakeCuda TWO_GPUS = new FakeCuda(SUCCESS, 12_060, List.of(OLD, NEW));

    /** Device handles differ from indexes. */
    private static final int HANDLE = 1000;

    @Override
    public int cuInit(int flags) {
        return initStatus;
    }

    @Override
    public int cuDriverGetVersion(int[] value) {
        value[0] = version;
        return SUCCESS;
    }

    @Override
    public int cuDeviceGetCount(int[] count) {
        count[0] = gpus.size();
        return SUCCESS;
    }

    @Override
    public int cuDeviceGet(int[] device, int ordinal) {
        device[0] = HANDLE + ordinal;
        return SUCCESS;
    }

    @Override
    public int cuDeviceGetName(byte[] name, int length, int device) {
        byte[] bytes = gpu(device).name().getBytes(UTF_8);
        System.arraycopy(bytes, 0, name, 0, bytes.length);
        return SUCCESS;
    }

    @Override
    public int cuDeviceTotalMem_v2(long[] bytes, int device) {
        bytes[0] = gpu(device).memory();
        return SUCCESS;
    }

    @Override
    public int cuDeviceGetAttribute(int[] value, int attribute, int device) {
        ComputeCapability capability = gpu(device).computeCapability();
        value[0] = attribute == COMPUTE_CAPABILITY_MAJOR ? capability.major() : capability.minor();
        return SUCCESS;
    }

    private Gpu gpu(int device) {
        return gpus.get(device - HANDLE);
    }
}
