package dev.libretto.device;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * A requested device: {@code auto} (the first GPU if it can be used, else the CPU), {@code cpu}, {@code gpu:N}, or several GPUs
 * to train on.
 *
 * @param gpus the index of each GPU, from 0; empty for {@code auto} and {@code cpu}
 */
public record DeviceRequest(Kind kind, List<Integer> gpus) {
    public enum Kind {
        AUTO,
        CPU,
        GPU
    }

    public static final DeviceRequest AUTO = new DeviceRequest(Kind.AUTO, List.of());
    public static final DeviceRequest CPU = new DeviceRequest(Kind.CPU, List.of());

    private static final String PREFIX = "gpu:";
    private static final Pattern GPU = Pattern.compile(PREFIX + "[0-9]{1,4}");

    /** @throws IllegalArgumentException if a GPU is there twice or has a negative index, or the kind has none */
    public DeviceRequest {
        gpus = List.copyOf(gpus);
        if (gpus.isEmpty() == (kind == Kind.GPU) || gpus.stream().anyMatch(index -> index < 0)) {
            throw new IllegalArgumentException("there is no " + kind + " with the indexes " + gpus);
        }
        if (Set.copyOf(gpus).size() < gpus.size()) {
            throw new IllegalArgumentException("must name each GPU once");
        }
    }

    /** Parses {@code auto}, {@code cpu}, {@code gpu} (the first GPU) or {@code gpu:N}. */
    public static DeviceRequest parse(String text) {
        return parse(text, false, "must be auto, cpu, gpu, or a GPU such as gpu:1");
    }

    /** Parses the same, or several GPUs such as {@code gpu:0,gpu:1}. */
    public static DeviceRequest parseAll(String text) {
        return parse(text, true, "must be auto, cpu, gpu, or GPUs such as gpu:1 or gpu:0,gpu:1");
    }

    private static DeviceRequest parse(String text, boolean allowsSeveral, String expected) {
        switch (text) {
            case "auto":
                return AUTO;
            case "cpu":
                return CPU;
            case "gpu":
                return new DeviceRequest(Kind.GPU, List.of(0));
            default:
                List<String> names = Arrays.asList(text.split(",", -1));
                if (names.size() > 1 && !allowsSeveral || !names.stream().allMatch(GPU.asMatchPredicate())) {
                    throw new IllegalArgumentException(expected);
                }
                return new DeviceRequest(
                        Kind.GPU,
                        names.stream()
                                .map(name -> Integer.valueOf(name.substring(PREFIX.length())))
                                .toList());
        }
    }

    @Override
    public String toString() {
        return kind == Kind.GPU
                ? gpus.stream().map(index -> PREFIX + index).collect(Collectors.joining(","))
                : kind.name().toLowerCase(Locale.ROOT);
    }
}
