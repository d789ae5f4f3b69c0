package dev.libretto.device;

import com.sun.jna.Library;
import com.sun.jna.Native;

/** The functions of NVIDIA's driver ("CUDA Driver API") by which it tells of its cards. Each returns 0 or an error. */
interface LibCuda extends Library {
    String NAME = "libcuda.so.1";

    int SUCCESS = 0;
    int ERROR_NO_DEVICE = 100;

    int COMPUTE_CAPABILITY_MAJOR = 75;
    int COMPUTE_CAPABILITY_MINOR = 76;

    int cuInit(int flags);

    /** @param version takes 1000 times the major and 10 times the minor version of CUDA that the driver is for */
    int cuDriverGetVersion(int[] version);

    int cuDeviceGetCount(int[] count);

    int cuDeviceGet(int[] device, int ordinal);

    int cuDeviceGetName(byte[] name, int length, int device);

    int cuDeviceTotalMem_v2(long[] bytes, int device);

    int cuDeviceGetAttribute(int[] value, int attribute, int device);

    /** @throws LinkageError where there is no driver */
    static LibCuda load() {
        return Native.load(NAME, LibCuda.class);
    }
}
