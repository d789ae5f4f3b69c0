package dev.libretto.device;

import dev.libretto.LibrettoException;
import dev.libretto.device.Device.Gpu;
import java.util.Locale;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TFloating;

/**
 * The precision of matrix products. Weights, sums and everything else are always float32.
 *
 * <p>TF32 is a process-wide switch of TensorFlow, on by default, so GPUs that support TF32 would use it silently. bfloat16 is
 * part of the graph: it casts the factors.
 */
public enum Precision {
    /**
     * All 24 bits of a float's significand. The losses are rounded, too: by 2⁻²⁴ of the loss, which falls by a sixtieth and
     * more in the trial, and several times that when a thousand are summed.
     */
    FLOAT32(0x1p-13),
    /** TensorFloat-32: the factors are rounded to 11 bits. Needs compute capability 8.0. */
    TF32(0x1p-10),
    /**
     * The factors and the product are rounded to 8 bits. Needs compute capability 8.0, or a CPU with bfloat16
     * instructions; on other CPUs TensorFlow emulates it, slower than float32.
     */
    BFLOAT16(0x1p-7);

    /** The compute capability that tf32 and bfloat16 need. */
    private static final int MAJOR = 8;

    private final double tolerance;

    Precision(double tolerance) {
        this.tolerance = tolerance;
    }

    /**
     * Returns how far the losses of the first training steps may be from the CPU's in float32, as a fraction of their
     * decrease. The decrease is a sum of products of two factors, each rounded to b bits with an error of at most 2⁻ᵇ, so
     * 2 · 2⁻ᵇ is the worst case.
     */
    public double tolerance() {
        return tolerance;
    }

    /** Returns the type to which a graph rounds the factors of its products. */
    public Class<? extends TFloating> factorType() {
        return this == BFLOAT16 ? TBfloat16.class : TFloat32.class;
    }

    /** Throws if the device does not support this precision. */
    void requireOn(Device device) throws LibrettoException {
        if (this != FLOAT32) {
            requireOn(device, OneDnn.current());
        }
    }

    /** Sets TensorFlow's switch for TF32, if the device has one. */
    void applyTo(Device device) {
        if (device.isGpu()) {
            TensorFlowInternals.allowTf32(this == TF32);
        }
    }

    /** Throws if the device does not support this precision; {@code cpu} matters for the CPU only. */
    void requireOn(Device device, OneDnn cpu) throws LibrettoException {
        for (Gpu gpu : device.gpus()) {
            if (gpu.computeCapability().major() < MAJOR) {
                throw lacking(gpu + ", does not have " + this + ", which needs " + MAJOR + ".0");
            }
        }
        if (device.isGpu()) {
            return;
        }
        if (this == TF32) {
            throw lacking("the CPU does not have tf32");
        } else if (this == BFLOAT16) {
            cpu.requireBfloat16();
        }
    }

    private static LibrettoException lacking(String what) {
        return new LibrettoException(what + "; use float32");
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
