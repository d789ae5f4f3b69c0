package dev.libretto.device;

import dev.libretto.LibrettoException;
import dev.libretto.device.CudaDriver.LibCuda;
import dev.libretto.device.Device.Gpu;
import dev.libretto.device.DeviceRequest.Kind;
import java.util.Collections;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;

/** Finds the requested device among those that TensorFlow can use on this machine. */
public final class Devices {
    /**
     * A device and a precision that it supports.
     *
     * @param why the reason for an automatic choice; otherwise empty
     */
    public record Choice(Device device, Precision precision, String why) {
        public static final Choice CPU = new Choice(Device.CPU, Precision.FLOAT32, "");

        /**
         * Makes sessions that are opened from now on, in the whole process, compute this way. Open sessions stay on
         * their device; the switch for TF32 holds for them, too.
         */
        public void use() {
            Sessions.use(device, precision);
        }

        @Override
        public String toString() {
            return why.isEmpty() ? device.toString() : device + " (" + why + ")";
        }
    }

    private final Build build;
    private final Supplier<LibCuda> driver;
    private final Function<Device, List<String>> typesOf;

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

    /** Returns the requested device. Only {@code auto} falls back to the CPU. */
    public Choice choose(DeviceRequest request, Precision precision) throws LibrettoException {
        Choice choice = find(request);
        precision.requireOn(choice.device());
        return new Choice(choice.device(), precision, choice.why());
    }

    private Choice find(DeviceRequest request) throws LibrettoException {
        if (request.kind() == Kind.CPU) {
            return Choice.CPU;
        }
        boolean isAuto = request.kind() == Kind.AUTO;
        try {
            return isAuto
                    ? new Choice(gpus(List.of(0)), Precision.FLOAT32, "auto: it can be used")
                    : new Choice(gpus(request.gpus()), Precision.FLOAT32, "");
        } catch (LibrettoException e) {
            if (isAuto) {
                return new Choice(
                        Device.CPU, Precision.FLOAT32, "auto: " + e.getMessage().replaceFirst("; .*", ""));
            }
            throw new LibrettoException(request + " cannot be used: " + e.getMessage(), e);
        }
    }

    /** Returns the number of GPUs that a request names or, for {@code auto}, that it would choose. */
    public int countGpus(DeviceRequest request) {
        if (request.kind() != Kind.AUTO) {
            return request.gpus().size();
        }
        try {
            return find(request).device().gpus().size();
        } catch (LibrettoException e) {
            throw new AssertionError("auto falls back to the CPU", e);
        }
    }

    private Device gpus(List<Integer> indexes) throws LibrettoException {
        requireCudaBuild();
        List<Gpu> gpus = CudaDriver.gpus(driver);
        if (Collections.max(indexes) >= gpus.size()) {
            throw new LibrettoException("the driver finds " + (gpus.size() == 1 ? "one GPU" : gpus.size() + " GPUs")
                    + "; use " + (gpus.size() == 1 ? "gpu:0" : "gpu:0 to gpu:" + (gpus.size() - 1)));
        }
        Device device = new Device(indexes.stream().map(gpus::get).toList());
        if (Collections.frequency(typesOf.apply(device), "GPU") < indexes.size()) {
            throw new LibrettoException("TensorFlow cannot use " + (indexes.size() == 1 ? "" : "all of ") + device
                    + "; the command doctor shows what is missing for " + new DeviceRequest(Kind.GPU, indexes));
        }
        return device;
    }

    private void requireCudaBuild() throws LibrettoException {
        if (build.isCuda()) {
            return;
        }
        throw new LibrettoException("this is the CPU build; "
                + (build.classifier().equals("linux-x86_64")
                        ? "build with \"mvn -Pgpu,cuda-redist -DskipTests package\" or docker/Dockerfile.gpu"
                        : "TensorFlow Java has no CUDA build for " + build.classifier() + "; use the CPU"));
    }

    /** Returns the type, {@code CPU} or {@code GPU}, of each device of a session configured for {@code device}. */
    public static List<String> types(Device device) {
        return TensorFlowInternals.deviceTypes(device.config());
    }
}
