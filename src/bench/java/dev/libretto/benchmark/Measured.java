package dev.libretto.benchmark;

import java.util.List;
import java.util.function.DoubleUnaryOperator;

/** A figure that was measured several times: its median, and how far the measurements lie apart. */
public record Measured(double median, double min, double max) {
    /** @param samples at least one */
    static Measured of(List<Double> samples) {
        List<Double> sorted = samples.stream().sorted().toList();
        int size = sorted.size();
        double median = (sorted.get((size - 1) / 2) + sorted.get(size / 2)) / 2;
        return new Measured(median, sorted.get(0), sorted.get(size - 1));
    }

    /** Another figure that falls where this one rises, such as a rate that follows from a time. */
    Measured inverse(DoubleUnaryOperator figure) {
        return new Measured(figure.applyAsDouble(median), figure.applyAsDouble(max), figure.applyAsDouble(min));
    }
}
