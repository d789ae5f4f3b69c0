package dev.libretto.device;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The device that is asked for: {@code auto} (a GPU where one can be used, or else the CPU), {@code cpu}, or {@code gpu:N}.
 *
 * @param index which GPU, from 0; 0 for the others
 */
public record DeviceRequest(Kind kind, int index) {
    /** What kind of device is asked for. */
    public enum Kind {
        AUTO,
        CPU,
        GPU
    }

    public static final DeviceRequest AUTO = new DeviceRequest(Kind.AUTO, 0);
    public static final DeviceRequest CPU = new DeviceRequest(Kind.CPU, 0);

    private static final Pattern GPU = Pattern.compile("gpu(?::([0-9]{1,4}))?");

    /** @throws IllegalArgumentException if an index is negative, or given where there is none to choose */
    public DeviceRequest {
        if (index < 0 || (kind != Kind.GPU && index != 0)) {
            throw new IllegalArgumentException("there is no " + kind + " with the index " + index);
        }
    }

    /**
     * Reads {@code auto}, {@code cpu}, {@code gpu} (the first) or {@code gpu:N}.
     *
     * @throws IllegalArgumentException saying what it must be
     */
    public static DeviceRequest parse(String text) {
        Matcher gpu = GPU.matcher(text);
        if (gpu.matches()) {
            return new DeviceRequest(Kind.GPU, gpu.group(1) == null ? 0 : Integer.parseInt(gpu.group(1)));
        }
        return switch (text) {
            case "auto" -> AUTO;
            case "cpu" -> CPU;
            default -> throw new IllegalArgumentException("must be auto, cpu, gpu, or a certain GPU such as gpu:1");
        };
    }

    @Override
    public String toString() {
        return kind == Kind.GPU ? "gpu:" + index : kind.name().toLowerCase(Locale.ROOT);
    }
}
