package dev.libretto.export;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.libretto.model.CellSpec.Library;
import dev.libretto.model.CellType;
import dev.libretto.model.LanguageModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Parameter;
import dev.libretto.model.Weights;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.tensorflow.ndarray.Shape;

/** Checks the layouts of frameworks by hand for small cases, and by round trips for all. */
class LayoutTest {
    private static Weights random(ModelConfig model) {
        Random random = new Random(3);
        return new Weights(LanguageModel.parameters(model), parameter -> {
            float[] values = new float[parameter.size()];
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) random.nextGaussian();
            }
            return values;
        });
    }

    /** Every parameter's values are 0, 1, 2, ... */
    private static Weights counting(ModelConfig model) {
        return new Weights(LanguageModel.parameters(model), parameter -> {
            float[] values = new float[parameter.size()];
            for (int i = 0; i < values.length; i++) {
                values[i] = i;
            }
            return values;
        });
    }

    private static List<NamedArray> arrays(Layout layout, CellType cell, int layers, int v, int h) {
        ModelConfig model = new ModelConfig(cell, v, h, layers);
        return layout.arrays(model, counting(model));
    }

    private static void assertArray(NamedArray array, String name, Shape shape, double... values) {
        assertThat(array.name()).isEqualTo(name);
        assertThat(array.shape()).isEqualTo(shape);
        assertThat(array.values()).hasSize(values.length);
        for (int i = 0; i < values.length; i++) {
            assertThat(array.values()[i]).isEqualTo((float) values[i]);
        }
    }

    @ParameterizedTest
    @EnumSource
    void roundTripKeepsTheWeights(CellType cell) {
        for (Layout layout : cell.isIn(Library.PYTORCH) ? Layout.values() : new Layout[] {Layout.KERAS}) {
            for (int layers = 1; layers <= 3; layers++) {
                for (int h = 1; h <= 4; h++) {
                    ModelConfig model = new ModelConfig(cell, 5, h, layers);
                    Weights weights = random(model);
                    Weights back = layout.weights(model, layout.arrays(model, weights));
                    for (Parameter parameter : weights.parameters()) {
                        assertThat(back.of(parameter)).containsExactly(weights.of(parameter));
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void librariesHaveTheGatesOfTheirCells(CellType cell) {
        for (Library library : Library.values()) {
            if (cell.isIn(library)) {
                assertThat(cell.in(library).gates().split(""))
                        .containsExactlyInAnyOrder(cell.spec().gates().split(""));
            }
        }
    }

    @Test
    void kerasLayoutIsTheIdentity() {
        List<NamedArray> arrays = arrays(Layout.KERAS, CellType.GRU_RESET_BEFORE, 2, 3, 2);
        assertThat(arrays.stream().map(NamedArray::name))
                .containsExactly(
                        "layer_0/kernel",
                        "layer_0/recurrent_kernel",
                        "layer_0/bias",
                        "layer_1/kernel",
                        "layer_1/recurrent_kernel",
                        "layer_1/bias",
                        "dense/kernel",
                        "dense/bias");
        assertArray(arrays.get(2), "layer_0/bias", Shape.of(6), 0, 1, 2, 3, 4, 5);
    }

    @Test
    void pyTorchRnnIsTransposedWithSecondBiasOfZeros() {
        List<NamedArray> arrays = arrays(Layout.PYTORCH, CellType.RNN, 1, 3, 2);
        assertThat(arrays).hasSize(6);
        assertArray(arrays.get(0), "rnn.weight_ih_l0", Shape.of(2, 3), 0, 2, 4, 1, 3, 5);
        assertArray(arrays.get(1), "rnn.weight_hh_l0", Shape.of(2, 2), 0, 2, 1, 3);
        assertArray(arrays.get(2), "rnn.bias_ih_l0", Shape.of(2), 0, 1);
        assertArray(arrays.get(3), "rnn.bias_hh_l0", Shape.of(2), 0, 0);
        assertArray(arrays.get(4), "dense.weight", Shape.of(3, 2), 0, 3, 1, 4, 2, 5);
        assertArray(arrays.get(5), "dense.bias", Shape.of(3), 0, 1, 2);
    }

    /** Columns z0 z1 r0 r1 n0 n1 become rows r0 r1 z0 z1 n0 n1. */
    @Test
    void pyTorchReordersGruGates() {
        List<NamedArray> arrays = arrays(Layout.PYTORCH, CellType.GRU, 2, 2, 2);
        assertThat(arrays).hasSize(10);
        assertArray(arrays.get(0), "rnn.weight_ih_l0", Shape.of(6, 2), 2, 8, 3, 9, 0, 6, 1, 7, 4, 10, 5, 11);
        assertArray(arrays.get(2), "rnn.bias_ih_l0", Shape.of(6), 2, 3, 0, 1, 4, 5);
        assertArray(arrays.get(3), "rnn.bias_hh_l0", Shape.of(6), 8, 9, 6, 7, 10, 11);
        assertArray(arrays.get(5), "rnn.weight_hh_l1", Shape.of(6, 2), 2, 8, 3, 9, 0, 6, 1, 7, 4, 10, 5, 11);
    }

    /** Columns i f g o become rows i f g o. */
    @Test
    void pyTorchKeepsTheOrderOfLstmGates() {
        List<NamedArray> arrays = arrays(Layout.PYTORCH, CellType.LSTM, 1, 2, 1);
        assertArray(arrays.get(0), "rnn.weight_ih_l0", Shape.of(4, 2), 0, 4, 1, 5, 2, 6, 3, 7);
        assertArray(arrays.get(1), "rnn.weight_hh_l0", Shape.of(4, 1), 0, 1, 2, 3);
        assertArray(arrays.get(2), "rnn.bias_ih_l0", Shape.of(4), 0, 1, 2, 3);
        assertArray(arrays.get(3), "rnn.bias_hh_l0", Shape.of(4), 0, 0, 0, 0);
    }

    @Test
    void pyTorchBiasesAreAdded() {
        ModelConfig model = new ModelConfig(CellType.RNN, 3, 2, 1);
        List<NamedArray> arrays = new ArrayList<>(Layout.PYTORCH.arrays(model, counting(model)));
        arrays.set(3, new NamedArray("rnn.bias_hh_l0", Shape.of(2), new float[] {10, 20}));
        assertThat(Layout.PYTORCH
                        .weights(model, arrays)
                        .of(LanguageModel.parameters(model).get(2)))
                .containsExactly(10, 21);
    }

    @Test
    void pyTorchRejectsGruWithResetBeforeProduct() {
        assertThatThrownBy(() -> arrays(Layout.PYTORCH, CellType.GRU_RESET_BEFORE, 1, 3, 2))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("PyTorch has no gru-reset-before; use the keras layout");
    }

    @Test
    void wrongArraysAreNamed() {
        ModelConfig model = new ModelConfig(CellType.RNN, 3, 2, 1);
        List<NamedArray> whole = Layout.PYTORCH.arrays(model, counting(model));

        List<NamedArray> missing = new ArrayList<>(whole);
        missing.remove(3);
        assertRejected(model, missing, "rnn.bias_hh_l0 [2] is missing; the pytorch layout of this model has rnn.");

        List<NamedArray> unknown = new ArrayList<>(whole);
        unknown.add(new NamedArray("rnn.weight_ih_l0_reverse", Shape.of(1), new float[1]));
        assertRejected(model, unknown, "rnn.weight_ih_l0_reverse is unknown; the pytorch layout of this model");

        List<NamedArray> shape = new ArrayList<>(whole);
        shape.set(0, new NamedArray("rnn.weight_ih_l0", Shape.of(3, 2), new float[6]));
        assertRejected(model, shape, "rnn.weight_ih_l0 must have the shape [2, 3] (got [3, 2])");

        List<NamedArray> infinite = new ArrayList<>(whole);
        infinite.set(2, new NamedArray("rnn.bias_ih_l0", Shape.of(2), new float[] {1, Float.NaN}));
        assertRejected(model, infinite, "rnn.bias_ih_l0 must be finite (got NaN at position 1)");
    }

    /** Modules name their members as they like: self.lstm, self.fc, self.model.embed. */
    @Test
    void pyTorchMembersAreKnownByWhatTheyHold() {
        for (boolean tied : new boolean[] {false, true}) {
            ModelConfig model = new ModelConfig(CellType.LSTM, 5, 3, 2, 3, tied);
            Weights weights = random(model);
            List<NamedArray> renamed = Layout.PYTORCH.arrays(model, weights).stream()
                    .map(array -> new NamedArray(
                            array.name()
                                    .replace("rnn.", tied ? "" : "lstm.")
                                    .replace("dense.", "model.fc.")
                                    .replace("embedding.", "model.embed."),
                            array.shape(),
                            array.values()))
                    .toList();
            Weights back = Layout.PYTORCH.weights(model, renamed);
            for (Parameter parameter : weights.parameters()) {
                assertThat(back.of(parameter)).as(parameter.name()).containsExactly(weights.of(parameter));
            }
        }
    }

    @Test
    void pyTorchMembersThatCannotBeToldApartAreNamed() {
        ModelConfig model = new ModelConfig(CellType.RNN, 3, 2, 1);
        List<NamedArray> arrays = new ArrayList<>(Layout.PYTORCH.arrays(model, counting(model)));
        arrays.add(new NamedArray("norm.weight", Shape.of(2), new float[2]));
        arrays.add(new NamedArray("norm.bias", Shape.of(2), new float[2]));
        assertRejected(model, arrays, "norm.");
    }

    /** Names tell the layout, shapes the number of gates and a GRU's second bias. */
    @Test
    void otherCellOrLayoutIsNamed() {
        ModelConfig gru = new ModelConfig(CellType.GRU, 5, 3, 2);
        for (CellType cell : CellType.values()) {
            for (Layout layout : cell.isIn(Library.PYTORCH) ? Layout.values() : new Layout[] {Layout.KERAS}) {
                if (cell == CellType.GRU && layout == Layout.KERAS) {
                    continue;
                }
                List<NamedArray> arrays = arrays(layout, cell, 2, 5, 3);
                assertThatThrownBy(() -> Layout.KERAS.weights(gru, arrays))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessage("the arrays are those of cell " + cell + " in the " + layout
                                + " layout, but cell is gru and layout is keras; correct the description");
            }
        }
        List<NamedArray> arrays = arrays(Layout.PYTORCH, CellType.GRU, 2, 5, 3);
        assertThatThrownBy(() -> Layout.PYTORCH.weights(new ModelConfig(CellType.GRU_RESET_BEFORE, 5, 3, 2), arrays))
                .hasMessageStartingWith(
                        "the arrays are those of cell gru in the pytorch layout, but cell is gru-reset-before");
    }

    private static void assertRejected(ModelConfig model, List<NamedArray> arrays, String message) {
        assertThatThrownBy(() -> Layout.PYTORCH.weights(model, arrays))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith(message);
    }
}
