package dev.libretto.cli;

import dev.libretto.device.Build;
import dev.libretto.device.DeviceException;
import dev.libretto.device.DeviceRequest;
import dev.libretto.device.Devices;
import dev.libretto.device.Devices.Choice;
import dev.libretto.device.NativeLog;
import dev.libretto.device.Precision;
import dev.libretto.device.Sessions;
import dev.libretto.device.TensorFlowLibrary;

/** The options of every command that computes: on which device, and how exactly. */
final class DeviceFlags {
    static final Flag<DeviceRequest> DEVICE = Flag.parsed(
            "device",
            "auto|cpu|gpu|gpu:N",
            "where to compute; auto takes a GPU where one can be used",
            DeviceRequest.AUTO,
            DeviceRequest::parse);
    static final Flag<Precision> PRECISION = Flag.oneOf(
            "precision",
            "how exactly products of matrices are computed; tf32 and bfloat16 on GPUs of compute capability 8.0 and"
                    + " later, bfloat16 on processors that have it, too",
            Precision.FLOAT32);

    private DeviceFlags() {}

    /**
     * Has TensorFlow compute on the device that is asked for.
     *
     * @return the device, and why it is that one
     * @throws DeviceException if it cannot be used
     */
    static Choice use(Arguments arguments) throws UsageException, DeviceException {
        DeviceRequest request = arguments.get(DEVICE);
        Precision precision = arguments.get(PRECISION);
        TensorFlowLibrary.await();
        NativeLog.suppressFirstRunMessages();
        Choice choice = new Devices().choose(request);
        Sessions.use(choice.device(), precision);
        return choice;
    }

    /** The same for a command that writes text: it tells of the device only where there was something to choose. */
    static void useQuietly(Arguments arguments, Console console) throws UsageException, DeviceException {
        Choice choice = use(arguments);
        if (arguments.has(DEVICE) || Build.current().isCuda()) {
            console.note("device: %s%n", choice);
        }
    }
}
