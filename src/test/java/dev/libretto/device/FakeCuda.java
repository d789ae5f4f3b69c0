package dev.libretto.device;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.libretto.device.Card.ComputeCapability;
import java.util.List;

/**
 * A driver with cards that are not there.
 *
 * @param initStatus what {@code cuInit} returns
 * @param version of CUDA, as the driver gives it
 */
record FakeCuda(int initStatus, int version, List<Card> cards) implements LibCuda {
    static final Card OLD = new Card(0, "Tesla V100", 16L << 30, new ComputeCapability(7, 0));
    static final Card NEW = new Card(1, "NVIDIA H100", 80L << 30, new ComputeCapability(9, 0));

    /** A driver of CUDA 12.6 with an old and a new card. */
    static final FakeCuda TWO_CARDS = new FakeCuda(SUCCESS, 12_060, List.of(OLD, NEW));

    /** The handles that the driver gives for its cards are not their numbers. */
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
        count[0] = cards.size();
        return SUCCESS;
    }

    @Override
    public int cuDeviceGet(int[] device, int ordinal) {
        device[0] = HANDLE + ordinal;
        return SUCCESS;
    }

    @Override
    public int cuDeviceGetName(byte[] name, int length, int device) {
        byte[] bytes = card(device).name().getBytes(UTF_8);
        System.arraycopy(bytes, 0, name, 0, bytes.length);
        return SUCCESS;
    }

    @Override
    public int cuDeviceTotalMem_v2(long[] bytes, int device) {
        bytes[0] = card(device).memory();
        return SUCCESS;
    }

    @Override
    public int cuDeviceGetAttribute(int[] value, int attribute, int device) {
        ComputeCapability capability = card(device).computeCapability();
        value[0] = attribute == COMPUTE_CAPABILITY_MAJOR ? capability.major() : capability.minor();
        return SUCCESS;
    }

    private Card card(int device) {
        return cards.get(device - HANDLE);
    }
}
