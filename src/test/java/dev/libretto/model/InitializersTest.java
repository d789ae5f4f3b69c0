package dev.libretto.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.libretto.Rounding;
import dev.libretto.model.Parameter.Initializer;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.tensorflow.ndarray.Shape;

@Tag("numeric")
class InitializersTest {
    /**
     * The generator and the scaling are exact, so these 20,000 numbers are the same on every processor. With other seeds, uniform
     * numbers would all be further than 1% from the end with a probability of e⁻¹⁰⁰, and a decile further than six standard
     * deviations from its place with one of 2e-9.
     */
    @ParameterizedTest
    @CsvSource({"GLOROT_UNIFORM, 0.14142135623730951", "UNIT_UNIFORM, 1"})
    void kernelsAreUniformWithinTheirBounds(Initializer initializer, double limit) {
        float[] values = draw(initializer, 200, 100, 1);

        double[] sorted = IntStream.range(0, values.length)
                .mapToDouble(i -> values[i])
                .sorted()
                .toArray();
        assertThat(sorted[0]).isGreaterThanOrEqualTo(-limit).isLessThan(-0.99 * limit);
        assertThat(sorted[sorted.length - 1]).isLessThanOrEqualTo(limit).isGreaterThan(0.99 * limit);
        for (int decile = 1; decile < 10; decile++) {
            double expected = limit * (decile / 5.0 - 1);
            double deviation = 2 * limit * Math.sqrt(decile / 10.0 * (1 - decile / 10.0) / values.length);
            assertThat(sorted[sorted.length * decile / 10]).isCloseTo(expected, within(6 * deviation));
        }
    }

    /** The textbook's RNN keeps its distribution; embedded characters and outputs of a layer below are not one-hot vectors. */
    @ParameterizedTest
    @EnumSource(CellType.class)
    void onlyGatedCellsReadingOneHotVectorsDrawUnitKernel(CellType cell) {
        Initializer oneHot = cell == CellType.RNN ? Initializer.GLOROT_UNIFORM : Initializer.UNIT_UNIFORM;

        assertThat(kernels(new ModelConfig(cell, 11, 5, 2))).containsExactly(oneHot, Initializer.GLOROT_UNIFORM);
        assertThat(kernels(new ModelConfig(cell, 11, 5, 2, 7, false)))
                .containsExactly(Initializer.GLOROT_UNIFORM, Initializer.GLOROT_UNIFORM);
    }

    @ParameterizedTest
    @CsvSource({"false, UNIT_UNIFORM", "true, GLOROT_UNIFORM"})
    void onlyEmbeddingOfItsOwnIsUnit(boolean isTied, Initializer expected) {
        ModelConfig config = new ModelConfig(CellType.GRU, 11, 7, 1, 7, isTied);

        assertThat(LanguageModel.parameters(config).get(0).initializer()).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource({"7, 7", "64, 64", "5, 20", "20, 5"})
    void orthogonalRowsOrColumnsAreOrthonormal(int rows, int columns) {
        float[] q = draw(Initializer.ORTHOGONAL, rows, columns, 1);
        boolean wide = columns > rows;
        int vectors = Math.min(rows, columns);
        int length = Math.max(rows, columns);
        // One reflection per vector, each with two sums over its length.
        double error = Rounding.after(2L * vectors * length);
        for (int a = 0; a < vectors; a++) {
            for (int b = 0; b <= a; b++) {
                double dot = 0;
                for (int k = 0; k < length; k++) {
                    dot += wide ? q[a * columns + k] * q[b * columns + k] : q[k * columns + a] * q[k * columns + b];
                }
                assertThat(dot).as("%d · %d", a, b).isCloseTo(a == b ? 1 : 0, within(error));
            }
        }
    }

    @Test
    void biasesStartAtZero() {
        assertThat(draw(Initializer.ZEROS, 3, 4, 1)).containsOnly(0f).hasSize(12);
    }

    @Test
    void forgetGateBiasStartsAtOne() {
        Parameter bias = new Parameter("p", Shape.of(12), Initializer.UNIT_FORGET_BIAS);

        assertThat(Initializers.draw(List.of(bias), 1).of(bias)).containsExactly(0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0);
    }

    @Test
    void weightsDependOnSeedOnly() {
        List<Parameter> parameters = LanguageModel.parameters(new ModelConfig(CellType.LSTM, 11, 5, 2));
        Weights one = Initializers.draw(parameters, 1);
        Weights again = Initializers.draw(parameters, 1);
        Weights other = Initializers.draw(parameters, 2);
        for (Parameter parameter : parameters) {
            assertThat(again.of(parameter)).containsExactly(one.of(parameter));
            if (parameter.name().endsWith("kernel")) {
                assertThat(other.of(parameter)).isNotEqualTo(one.of(parameter));
            }
        }
    }

    @Test
    void parametersOfSameShapeDiffer() {
        Parameter first = new Parameter("first", Shape.of(3, 4), Initializer.GLOROT_UNIFORM);
        Parameter second = new Parameter("second", Shape.of(3, 4), Initializer.GLOROT_UNIFORM);
        Weights weights = Initializers.draw(List.of(first, second), 1);

        assertThat(weights.of(first)).isNotEqualTo(weights.of(second));
    }

    private static List<Initializer> kernels(ModelConfig config) {
        return LanguageModel.parameters(config).stream()
                .filter(parameter -> parameter.name().matches("layer_\\d/kernel"))
                .map(Parameter::initializer)
                .toList();
    }

    private static float[] draw(Initializer initializer, int rows, int columns, long seed) {
        Parameter parameter = new Parameter("p", Shape.of(rows, columns), initializer);
        return Initializers.draw(List.of(parameter), seed).of(parameter);
    }
}
