package dev.libretto.cli;

import dev.libretto.LibrettoException;
import dev.libretto.device.Build;
import dev.libretto.device.DeviceRequest;
import dev.libretto.device.Devices;
import dev.libretto.device.Devices.Choice;
import dev.libretto.device.NativeLog;
import dev.libretto.device.Precision;
import dev.libretto.device.TensorFlowSetup;
import java.util.List;

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

    static final List<Flag<?>> ALL = List.of(DEVICE, PRECISION);

    private DeviceFlags() {}

    /** Returns the device that the options ask for and why it was chosen, once TensorFlow's library is loaded. */
    static Choice choose(Arguments arguments) throws UsageException, LibrettoException {
        DeviceRequest request = arguments.get(DEVICE);
        Precision precision = arguments.get(PRECISION);
        TensorFlowSetup.await();
        NativeLog.suppressFirstRunMessages();
        return new Devices().choose(request, precision);
    }

    /** Does the same, and shows the device if there was a choice. */
    static Choice choose(Arguments arguments, Console console) throws UsageException, LibrettoException {
        Choice choice = choose(arguments);
        if (arguments.has(DEVICE) || Build.current().isCuda()) {
            console.note("device: %s%n", choice);
        }
        return choice;
    }
}
