package dev.libretto.device;

import com.sun.jna.Library;
import com.sun.jna.Native;

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
