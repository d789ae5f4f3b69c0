package dev.libretto.cli;

import dev.libretto.LibrettoException;
import dev.libretto.device.Build;
import dev.libretto.device.DeviceRequest;
import dev.libretto.device.Devices;
import dev.libretto.device.Devices.Choice;
import dev.libretto.device.NativeLog;
import dev.libretto.device.Precision;
import dev.libretto.device.Sessions;
import dev.libretto.device.TensorFlowSetup;

/** The options for device and precision. */
final class DeviceFlags {
    static final Flag<DeviceRequest> DEVICE = Flag.parsed(
            "device",
            "auto|cpu|gpu|gpu:N",
            "where to compute; auto uses a GPU if one works",
            DeviceRequest.AUTO,
            DeviceRequest::parse);
    static final Flag<Precision> PRECISION = Flag.oneOf(
            "precision",
            "precision of matrix products; tf32 and bfloat16 need a GPU of compute capability 8.0 or later, bfloat16"
                    + " also runs on processors that support it",
            Precision.FLOAT32);

    private DeviceFlags() {}

    /**
     * Makes TensorFlow use the requested device.
     *
     * @return the device and why it was chosen
     * @throws LibrettoException if the device cannot be used
     */
    static Choice use(Arguments arguments) throws UsageException, LibrettoException {
        DeviceRequest request = arguments.get(DEVICE);
        Precision precision = arguments.get(PRECISION);
        TensorFlowSetup.await();
        NativeLog.suppressFirstRunMessages();
        Choice choice = new Devices().choose(request);
        Sessions.use(choice.device(), precision);
        return choice;
    }

    /** Does the same, but prints the device only if there was a choice. */
    static void useQuietly(Arguments arguments, Console console) throws UsageException, LibrettoException {
        Choice choice = use(arguments);
        if (arguments.has(DEVICE) || Build.current().isCuda()) {
            console.note("device: %s%n", choice);
        }
    }
}
