package dev.libretto.device;

import dev.libretto.LibrettoException;
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

/** Finds the requested device among those that TensorFlow can use on this machine. */
public final class Devices {
    /**
     * A chosen device.
     *
     * @param why the reason for an automatic choice; otherwise empty
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

    /** Creates a finder for this machine. */
    public Devices() {
        this(Build.current(), LibCuda::load, Devices::types);
    }

    /**
     * @param driver loads the NVIDIA driver, or throws a {@link LinkageError}
     * @param typesOf returns the device types of a session, like {@link #types}
     */
    Devices(Build build, Supplier<LibCuda> driver, Function<Device, List<String>> typesOf) {
        this.build = build;
        this.driver = driver;
        this.typesOf = typesOf;
    }

    /**
     * Returns the requested device. Only {@code auto} falls back to the CPU.
     *
     * @throws LibrettoException if the device cannot be used
     */
    public Choice choose(DeviceRequest request) throws LibrettoException {
        if (request.kind() == DeviceRequest.Kind.CPU) {
            return new Choice(Device.CPU, "");
        }
        boolean isAuto = request.kind() == DeviceRequest.Kind.AUTO;
        try {
            return new Choice(gpu(request.index()), isAuto ? "auto: it can be used" : "");
        } catch (LibrettoException e) {
            if (isAuto) {
                return new Choice(Device.CPU, "auto: " + e.getMessage().replaceFirst("; .*", ""));
            }
            throw new LibrettoException(request + " cannot be used: " + e.getMessage(), e);
        }
    }

    private Device gpu(int index) throws LibrettoException {
        requireCudaBuild();
        List<Gpu> gpus = CudaDriver.probe(driver).gpus();
        if (index >= gpus.size()) {
            throw new LibrettoException("the driver finds " + (gpus.size() == 1 ? "one GPU" : gpus.size() + " GPUs")
                    + "; use " + (gpus.size() == 1 ? "gpu:0" : "gpu:0 to gpu:" + (gpus.size() - 1)));
        }
        Device gpu = new Device(gpus.get(index));
        if (!typesOf.apply(gpu).contains("GPU")) {
            throw new LibrettoException("TensorFlow cannot use " + gpu + "; the command doctor with --device gpu:"
                    + index + " shows what is missing");
        }
        return gpu;
    }

    private void requireCudaBuild() throws LibrettoException {
        if (build.isCuda()) {
            return;
        }
        throw new LibrettoException("this is the CPU build; "
                + (build.classifier().equals("linux-x86_64")
                        ? "build with \"mvn -Pgpu,cuda-redist -DskipTests package\" or docker/Dockerfile.gpu"
                        : "TensorFlow Java has no CUDA build for " + build.classifier() + "; use --device cpu"));
    }

    /** Returns the type, {@code CPU} or {@code GPU}, of each device of a session configured for {@code device}. */
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
