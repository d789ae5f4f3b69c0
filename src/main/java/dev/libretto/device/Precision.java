package dev.libretto.device;

import com.sun.jna.Function;
import com.sun.jna.NativeLibrary;
import dev.libretto.device.Card.ComputeCapability;
import java.util.Locale;

/**
 * How exactly the products of matrices are computed. Weights, sums and all else are float32 in each.
 *
 * <p>TensorFlow has a switch of the process for it, which it leaves on: without a word, a card that knows TF32 would use it.
 */
public enum Precision {
    /** All 24 bits of a float's significand. */
    FLOAT32(1e-4),
    /** TensorFloat-32: the factors are rounded to 11 bits; cards of compute capability 8.0 and later have it. */
    TF32(1e-2);

    private static final int TF32_MAJOR = 8;

    private static final String FRAMEWORK = "libtensorflow_framework.so.2";
    private static final String ENABLE = "_ZN3tsl32enable_tensor_float_32_executionEb";
    private static final String ENABLED = "_ZN3tsl33tensor_float_32_execution_enabledEv";

    private final double tolerance;

    Precision(double tolerance) {
        this.tolerance = tolerance;
    }

    /** How far the losses of the first training steps may be from the CPU's, as a part of the loss. */
    public double tolerance() {
        return tolerance;
    }

    /**
     * Has TensorFlow compute so on a device from now on.
     *
     * @throws DeviceException if the device does not have it
     */
    void applyTo(Device device) throws DeviceException {
        if (this == TF32) {
            requireTf32(device);
        }
        if (device.isGpu()) {
            function(ENABLE).invokeVoid(new Object[] {this == TF32 ? 1 : 0});
        }
    }

    private static void requireTf32(Device device) throws DeviceException {
        if (!device.isGpu()) {
            throw new DeviceException("the CPU does not have tf32", "leave --precision out");
        }
        ComputeCapability capability = device.card().computeCapability();
        if (capability.major() < TF32_MAJOR) {
            throw new DeviceException(
                    device + ", does not have tf32, which begins with " + TF32_MAJOR + ".0", "leave --precision out");
        }
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
