package dev.libretto.benchmark;

import java.util.List;
import java.util.function.DoubleUnaryOperator;

/** The median and range of several measurements. */
public record Measured(double median, double min, double max) {
    /** @param samples at least one */
    static Measured of(List<Double> samples) {
        List<Double> sorted = samples.stream().sorted().toList();
        int size = sorted.size();
        double median = (sorted.get((size - 1) / 2) + sorted.get(size / 2)) / 2;
        return new Measured(median, sorted.get(0), sorted.get(size - 1));
    }

    /** Returns a figure that decreases in this one, such as a rate from a time. */
    Measured inverse(DoubleUnaryOperator figure) {
        return new Measured(figure.applyAsDouble(median), figure.applyAsDouble(max), figure.applyAsDouble(min));
    }
}
