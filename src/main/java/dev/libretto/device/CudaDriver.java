package dev.libretto.device;

import com.sun.jna.Native;
import dev.libretto.device.Card.ComputeCapability;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/**
 * NVIDIA's driver.
 *
 * @param cudaVersion 1000 times the major and 10 times the minor version of CUDA that it is for
 * @param cards its cards; at least one
 */
record CudaDriver(int cudaVersion, List<Card> cards) {
    /** CUDA 12, which TensorFlow 2.18 is built with; drivers run programs of any minor version of their major one. */
    private static final int NEEDED_VERSION = 12_000;

    private static final int MAX_NAME = 256;

    /**
     * Asks the driver of this machine.
     *
     * @param loader gives the driver's library, or throws a {@link LinkageError}
     * @throws DeviceException if there is none, it is too old, or it has no card
     */
    static CudaDriver probe(Supplier<LibCuda> loader) throws DeviceException {
        LibCuda cuda;
        try {
            cuda = loader.get();
        } catch (LinkageError e) {
            throw new DeviceException(
                    "there is no NVIDIA driver here (" + LibCuda.NAME + " is not found)",
                    "install it (on Debian, apt install nvidia-driver), or start the container with --gpus all");
        }
        int status = cuda.cuInit(0);
        if (status == LibCuda.ERROR_NO_DEVICE) {
            throw noCard();
        }
        require(status, "cuInit");
        int[] value = new int[1];
        require(cuda.cuDriverGetVersion(value), "cuDriverGetVersion");
        int version = value[0];
        if (version < NEEDED_VERSION) {
            throw new DeviceException(
                    "NVIDIA's driver is for CUDA " + describe(version) + ", but TensorFlow 2.18 takes one for CUDA 12",
                    "install driver 525.60.13 or a newer one");
        }
        require(cuda.cuDeviceGetCount(value), "cuDeviceGetCount");
        int count = value[0];
        if (count == 0) {
            throw noCard();
        }
        List<Card> cards = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            cards.add(card(cuda, i));
        }
        return new CudaDriver(version, List.copyOf(cards));
    }

    private static DeviceException noCard() {
        String hidden = System.getenv("CUDA_VISIBLE_DEVICES");
        return hidden == null
                ? new DeviceException("NVIDIA's driver finds no card", "\"nvidia-smi\" shows what it has")
                : new DeviceException(
                        "NVIDIA's driver finds no card that CUDA_VISIBLE_DEVICES=" + hidden + " lets it use",
                        "unset that variable to use them all");
    }

    private static Card card(LibCuda cuda, int index) throws DeviceException {
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
        return new Card(index, Native.toString(name), bytes[0], new ComputeCapability(major, value[0]));
    }

    private static void require(int status, String function) throws DeviceException {
        if (status != LibCuda.SUCCESS) {
            throw new DeviceException(
                    "NVIDIA's driver cannot be used (" + function + " gives error " + status + ")",
                    "\"nvidia-smi\" may say why, a restart after an update of the driver often helps");
        }
    }

    private static String describe(int version) {
        return version / 1000 + "." + version % 1000 / 10;
    }

    /** As in 12.6. */
    String cuda() {
        return describe(cudaVersion);
    }
}
