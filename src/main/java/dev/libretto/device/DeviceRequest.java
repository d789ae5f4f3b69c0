package dev.libretto.device;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A requested device: {@code auto} (the first GPU if it can be used, else the CPU), {@code cpu}, or {@code gpu:N}.
 *
 * @param index the GPU, from 0; always 0 for {@code auto} and {@code cpu}
 */
public record DeviceRequest(Kind kind, int index) {
    public enum Kind {
        AUTO,
        CPU,
        GPU
    }

    public static final DeviceRequest AUTO = new DeviceRequest(Kind.AUTO, 0);
    public static final DeviceRequest CPU = new DeviceRequest(Kind.CPU, 0);

    private static final Pattern GPU = Pattern.compile("gpu(?::([0-9]{1,4}))?");

    /** @throws IllegalArgumentException if the index is negative, or not 0 for another kind than GPU */
    public DeviceRequest {
        if (index < 0 || (kind != Kind.GPU && index != 0)) {
            throw new IllegalArgumentException("there is no " + kind + " with the index " + index);
        }
    }

    /** Parses {@code auto}, {@code cpu}, {@code gpu} (the first GPU) or {@code gpu:N}. */
    public static DeviceRequest parse(String text) {
        Matcher gpu = GPU.matcher(text);
        if (gpu.matches()) {
            return new DeviceRequest(Kind.GPU, gpu.group(1) == null ? 0 : Integer.parseInt(gpu.group(1)));
        }
        return switch (text) {
            case "auto" -> AUTO;
            case "cpu" -> CPU;
            default -> throw new IllegalArgumentException("must be auto, cpu, gpu, or a GPU such as gpu:1");
        };
    }

    @Override
    public String toString() {
        return kind == Kind.GPU ? "gpu:" + index : kind.name().toLowerCase(Locale.ROOT);
    }
}
