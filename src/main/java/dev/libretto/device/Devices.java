package dev.libretto.device;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerScope;
import org.tensorflow.internal.c_api.TF_DeviceList;
import org.tensorflow.internal.c_api.TF_Graph;
import org.tensorflow.internal.c_api.TF_Session;
import org.tensorflow.internal.c_api.TF_SessionOptions;
import org.tensorflow.internal.c_api.TF_Status;
import org.tensorflow.internal.c_api.global.tensorflow;

/** Finds the device that is asked for, among those that TensorFlow can compute on here. */
public final class Devices {
    /**
     * A device, and why it is that one.
     *
     * @param why empty where nothing else was asked for
     */
    public record Choice(Device device, String why) {
        @Override
        public String toString() {
            return why.isEmpty() ? device.toString() : device + " (" + why + ")";
        }
    }

    private final Build build;
    private final Supplier<LibCuda> driver;
    private final Function<Device, List<String>> typesOf;

    /** Those of this machine. */
    public Devices() {
        this(Build.current(), LibCuda::load, Devices::types);
    }

    /**
     * @param driver loads NVIDIA's driver, or throws a {@link LinkageError}
     * @param typesOf the types of the devices that a session configured for a device has
     */
    Devices(Build build, Supplier<LibCuda> driver, Function<Device, List<String>> typesOf) {
        this.build = build;
        this.driver = driver;
        this.typesOf = typesOf;
    }

    /**
     * The device that is asked for. A GPU is never replaced by the CPU unless any device will do.
     *
     * @throws DeviceException if it cannot be used: why not, and what to do
     */
    public Choice choose(DeviceRequest request) throws DeviceException {
        return switch (request.kind()) {
            case CPU -> new Choice(Device.CPU, "");
            case GPU -> new Choice(named(request), "");
            case AUTO -> any();
        };
    }

    private Device named(DeviceRequest request) throws DeviceException {
        try {
            return gpu(request.index());
        } catch (DeviceException e) {
            throw e.of(request);
        }
    }

    private Choice any() {
        try {
            return new Choice(gpu(0), "auto: it can be used");
        } catch (DeviceException e) {
            return new Choice(Device.CPU, "auto: " + e.reason());
        }
    }

    private Device gpu(int index) throws DeviceException {
        requireCudaBuild();
        List<Card> cards = CudaDriver.probe(driver).cards();
        if (index >= cards.size()) {
            throw new DeviceException(
                    "the driver has " + (cards.size() == 1 ? "one card" : cards.size() + " cards"),
                    "take " + (cards.size() == 1 ? "gpu:0" : "one of gpu:0 to gpu:" + (cards.size() - 1)));
        }
        Device gpu = new Device(cards.get(index));
        if (!typesOf.apply(gpu).contains("GPU")) {
            throw new DeviceException(
                    "TensorFlow does not take " + gpu,
                    "the command doctor with --device gpu:" + index + " shows what is missing");
        }
        return gpu;
    }

    private void requireCudaBuild() throws DeviceException {
        if (build.isCuda()) {
            return;
        }
        throw new DeviceException(
                "this is the CPU build",
                build.classifier().equals("linux-x86_64")
                        ? "\"mvn -Pgpu,cuda-redist -DskipTests package\" makes the CUDA build, docker/Dockerfile.gpu its image"
                        : "TensorFlow Java has no other for " + build.classifier() + ", so leave the GPU out");
    }

    /** The type of each device, {@code CPU} or {@code GPU}, that a session has which is configured for one. */
    public static List<String> types(Device device) {
        TensorFlowSetup.apply();
        PointerScope scope = new PointerScope();
        try (scope) {
            TF_Status status = TF_Status.newStatus();
            TF_SessionOptions options = TF_SessionOptions.newSessionOptions();
            byte[] config = device.config().toByteArray();
            tensorflow.TF_SetConfig(options, new BytePointer(config), config.length, status);
            status.throwExceptionIfNotOK();
            TF_Session session = TF_Session.newSession(TF_Graph.newGraph(), options, status);
            status.throwExceptionIfNotOK();
            TF_DeviceList devices = tensorflow.TF_SessionListDevices(session, status);
            status.throwExceptionIfNotOK();
            try {
                List<String> types = new ArrayList<>();
                for (int i = 0; i < tensorflow.TF_DeviceListCount(devices); i++) {
                    types.add(tensorflow.TF_DeviceListType(devices, i, status).getString());
                    status.throwExceptionIfNotOK();
                }
                return types;
            } finally {
                tensorflow.TF_DeleteDeviceList(devices);
            }
        }
    }
}
