package dev.libretto.device;

import com.sun.jna.Library;
import com.sun.jna.Native;
import dev.libretto.LibrettoException;
import dev.libretto.device.Device.Gpu;
import dev.libretto.device.Device.Gpu.ComputeCapability;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

final class CudaDriver {
    /** TensorFlow 2.18 is built with CUDA 12; a driver supports all minor versions of its major version. */
    private static final int NEEDED_VERSION = 12_000;

    private static final int MAX_NAME = 256;

    private CudaDriver() {}

    /**
     * Returns the GPUs of this machine, at least one.
     *
     * @param loader loads the driver's library, or throws a {@link LinkageError}
     * @throws LibrettoException if the driver is missing, too old, or finds no GPU
     */
    static List<Gpu> gpus(Supplier<LibCuda> loader) throws LibrettoException {
        LibCuda cuda;
        try {
            cuda = loader.get();
        } catch (LinkageError e) {
            throw new LibrettoException(
                    "there is no NVIDIA driver (" + LibCuda.NAME
                            + " not found); install it (on Debian, apt install nvidia-driver), or start the container with --gpus all");
        }
        int status = cuda.cuInit(0);
        if (status == LibCuda.ERROR_NO_DEVICE) {
            throw noGpu();
        }
        require(status, "cuInit");
        int[] value = new int[1];
        require(cuda.cuDriverGetVersion(value), "cuDriverGetVersion");
        int version = value[0];
        if (version < NEEDED_VERSION) {
            throw new LibrettoException("the NVIDIA driver supports CUDA " + version / 1000 + "." + version % 1000 / 10
                    + ", but TensorFlow 2.18 needs CUDA 12;" + " install driver 525.60.13 or newer");
        }
        require(cuda.cuDeviceGetCount(value), "cuDeviceGetCount");
        int count = value[0];
        if (count == 0) {
            throw noGpu();
        }
        List<Gpu> gpus = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            gpus.add(gpu(cuda, i));
        }
        return gpus;
    }

    private static LibrettoException noGpu() {
        String hidden = System.getenv("CUDA_VISIBLE_DEVICES");
        return hidden == null
                ? new LibrettoException("the NVIDIA driver finds no GPU; check with nvidia-smi")
                : new LibrettoException("the NVIDIA driver finds no GPU with CUDA_VISIBLE_DEVICES=" + hidden
                        + "; unset the variable to use all GPUs");
    }

    private static Gpu gpu(LibCuda cuda, int index) throws LibrettoException {
        int[] value = new int[1];
        require(cuda.cuDeviceGet(value, index), "cuDeviceGet");
        int device = value[0];
        byte[] name = new byte[MAX_NAME];
        require(cuda.cuDeviceGetName(name, name.length, device), "cuDeviceGetName");
        long[] bytes = new long[1];
        require(cuda.cuDeviceTotalMem_v2(bytes, device), "cuDeviceTotalMem");
        require(cuda.cuDeviceGetAttribute(value, LibCuda.COMPUTE_CAPABILITY_MAJOR, device), "cuDeviceGetAttribute");
        int major = value[0];
        require(cuda.cuDeviceGetAttribute(value, LibCuda.COMPUTE_CAPABILITY_MINOR, device), "cuDeviceGetAttribute");
        return new Gpu(index, Native.toString(name), bytes[0], new ComputeCapability(major, value[0]));
    }

    private static void require(int status, String function) throws LibrettoException {
        if (status != LibCuda.SUCCESS) {
            throw new LibrettoException("the NVIDIA driver cannot be used (" + function + " returned error " + status
                    + "); check with nvidia-smi; after a driver update, restart the machine");
        }
    }

    /** The functions of the CUDA Driver API that describe GPUs. Each returns 0 or an error code. */
    interface LibCuda extends Library {
        String NAME = "libcuda.so.1";

        int SUCCESS = 0;
        int ERROR_NO_DEVICE = 100;

        int COMPUTE_CAPABILITY_MAJOR = 75;
        int COMPUTE_CAPABILITY_MINOR = 76;

        int cuInit(int flags);

        /** @param version receives the supported CUDA version, as 1000 · major + 10 · minor */
        int cuDriverGetVersion(int[] version);

        int cuDeviceGetCount(int[] count);

        int cuDeviceGet(int[] device, int ordinal);

        int cuDeviceGetName(byte[] name, int length, int device);

        int cuDeviceTotalMem_v2(long[] bytes, int device);

        int cuDeviceGetAttribute(int[] value, int attribute, int device);

        /** @throws LinkageError if there is no driver */
        static LibCuda load() {
            return Native.load(NAME, LibCuda.class);
        }
    }
}
