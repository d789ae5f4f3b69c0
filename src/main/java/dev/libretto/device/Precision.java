package dev.libretto.device;

import com.sun.jna.Function;
import com.sun.jna.NativeLibrary;
import dev.libretto.device.Card.ComputeCapability;
import java.util.Locale;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TFloating;

/**
 * How exactly the products of matrices are computed. Weights, sums and all else are float32 in each.
 *
 * <p>TensorFlow has a switch of the process for TF32, which it leaves on: without a word, a card that knows TF32 would use
 * it. bfloat16 is a matter of the graph: the factors are cast to it.
 */
public enum Precision {
    /**
     * All 24 bits of a float's significand. The losses themselves are rounded, too: by 2⁻²⁴ of the loss, of which the trial
     * learns a sixtieth and more, and, added up from a thousand, by some of these.
     */
    FLOAT32(0x1p-13),
    /** TensorFloat-32: the factors are rounded to 11 bits; cards of compute capability 8.0 and later have it. */
    TF32(0x1p-10),
    /**
     * The factors and the product are rounded to 8 bits. Cards of compute capability 8.0 and later have it, and some
     * processors; on others TensorFlow computes it by way of float32, which takes longer than float32 by itself.
     */
    BFLOAT16(0x1p-7);

    /** The compute capability that tf32 and bfloat16 came with. */
    private static final int MAJOR = 8;

    private static final String FRAMEWORK = "libtensorflow_framework.so.2";
    private static final String ENABLE = "_ZN3tsl32enable_tensor_float_32_executionEb";
    private static final String ENABLED = "_ZN3tsl33tensor_float_32_execution_enabledEv";

    private final double tolerance;

    Precision(double tolerance) {
        this.tolerance = tolerance;
    }

    /**
     * How far the losses of the first training steps may be from those of the CPU in float32, as a part of what they fall by.
     * What is learnt is a sum of products, two factors each, rounded to b bits with an error of at most 2⁻ᵇ: 2 · 2⁻ᵇ would be
     * all of them at their worst.
     */
    public double tolerance() {
        return tolerance;
    }

    /** The type to which a graph is to round the factors of its products. */
    Class<? extends TFloating> factorType() {
        return this == BFLOAT16 ? TBfloat16.class : TFloat32.class;
    }

    /**
     * Has TensorFlow compute so on a device from now on.
     *
     * @throws DeviceException if the device does not have it
     */
    void applyTo(Device device) throws DeviceException {
        if (this != FLOAT32) {
            requireOn(device, OneDnn.current());
        }
        if (device.isGpu()) {
            function(ENABLE).invokeVoid(new Object[] {this == TF32 ? 1 : 0});
        }
    }

    /** @param cpu computes where the device is the CPU */
    void requireOn(Device device, OneDnn cpu) throws DeviceException {
        if (device.isGpu()) {
            ComputeCapability capability = device.card().computeCapability();
            if (capability.major() < MAJOR) {
                throw lacking(device + ", does not have " + this + ", which begins with " + MAJOR + ".0");
            }
        } else if (this == TF32) {
            throw lacking("the CPU does not have tf32");
        } else if (this == BFLOAT16) {
            cpu.requireBfloat16();
        }
    }

    private static DeviceException lacking(String what) {
        return new DeviceException(what, "leave --precision out");
    }

    /** Whether TensorFlow may use TF32 now. */
    static boolean tf32Enabled() {
        return (function(ENABLED).invokeInt(new Object[0]) & 0xff) != 0;
    }

    /** A function of the library that TensorFlow has loaded. */
    private static Function function(String name) {
        return NativeLibrary.getInstance(FRAMEWORK).getFunction(name);
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
