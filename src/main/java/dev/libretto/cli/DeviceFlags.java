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
import java.util.function.Function;

final class DeviceFlags {
    /** Where to compute in one place. */
    static final Flag<DeviceRequest> DEVICE = flag("auto|cpu|gpu|gpu:N", DeviceRequest::parse);
    /** Where to train. */
    static final Flag<DeviceRequest> DEVICES = flag("auto|cpu|gpu|gpu:N,...", DeviceRequest::parseAll);

    static final Flag<Precision> PRECISION = Flag.oneOf(
            "precision",
            "precision of matrix products; tf32 and bfloat16 need a GPU of compute capability 8.0 or later, bfloat16"
                    + " also runs on processors that support it",
            Precision.FLOAT32);

    /** The options of a command that trains. */
    static final List<Flag<?>> ALL = List.of(DEVICES, PRECISION);
    /** The options of a command that computes in one place. */
    static final List<Flag<?>> ONE = List.of(DEVICE, PRECISION);

    private DeviceFlags() {}

    private static Flag<DeviceRequest> flag(String argument, Function<String, DeviceRequest> reader) {
        return Flag.parsed(
                "device", argument, "where to compute; auto uses a GPU if one works", DeviceRequest.AUTO, reader);
    }

    /** Returns the number of GPUs of this host to train on; 0 to train on the CPU. */
    static int countGpus(Arguments arguments) throws UsageException {
        DeviceRequest request = arguments.get(DEVICES);
        if (Build.current().isCuda()) {
            NativeLog.suppressFirstRunMessages();
        }
        return new Devices().countGpus(request);
    }

    /** Starts loading TensorFlow, and returns the device to train on and why it was chosen. */
    static Choice choose(Arguments arguments) throws UsageException, LibrettoException {
        return choose(arguments, DEVICES);
    }

    static Choice choose(Arguments arguments, Flag<DeviceRequest> device) throws UsageException, LibrettoException {
        DeviceRequest request = arguments.get(device);
        Precision precision = arguments.get(PRECISION);
        TensorFlowSetup.loadInBackground();
        if (Build.current().isCuda()) {
            NativeLog.suppressFirstRunMessages();
        }
        return new Devices().choose(request, precision);
    }

    /** Does the same for the one place to compute in, and shows the device if there was a choice. */
    static Choice choose(Arguments arguments, Console console) throws UsageException, LibrettoException {
        Choice choice = choose(arguments, DEVICE);
        if (arguments.has(DEVICE) || Build.current().isCuda()) {
            console.note("device: %s%n", choice);
        }
        return choice;
    }
}
