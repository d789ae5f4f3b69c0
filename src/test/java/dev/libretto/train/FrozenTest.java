package dev.libretto.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.libretto.TestModels;
import dev.libretto.model.CellType;
import dev.libretto.model.LanguageModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Parameter;
import dev.libretto.model.Weights;
import dev.libretto.text.Batches.Batch;
import dev.libretto.text.Batches.Sampling;
import dev.libretto.train.Optimizer.Kind;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Frozen layers have no gradient, no slots and no weight decay; the others are trained as ever. */
@Tag("numeric")
class FrozenTest {
    private static final int T = 6;
    private static final int B = 4;
    private static final int V = 9;

    private static TrainConfig training(Kind optimizer, double limit, String... frozen) {
        return TrainConfig.TEXTBOOK.withBatches(T, B, Sampling.CONSECUTIVE).with(c -> {
            c.parts = 2;
            c.optimizer = Optimizer.defaults(optimizer)
                    .withLearningRate(LearningRate.constant(0.1))
                    .withClipping(new Clipping(Clipping.By.NORM, limit));
            c.frozen = List.of(frozen);
        });
    }

    private static Checkpoint train(ModelConfig model, TrainConfig training, int steps) {
        Checkpoint start = Checkpoint.start(model, training, TestModels.randomWeights(model, 3));
        try (TrainStep step = new TrainStep(model, training, start)) {
            for (int i = 0; i < steps; i++) {
                Batch batch = new Batch(
                        TestModels.randomIds(T * B, V, 2 * i),
                        TestModels.randomIds(T * B, V, 2 * i + 1),
                        i > 0,
                        new long[0]);
                step.run(batch, 0.1, i + 1);
            }
            return step.checkpoint(Progress.start());
        }
    }

    @ParameterizedTest
    @CsvSource({
        "RNN, 1, 0, false, MOMENTUM, layer_0",
        "GRU, 2, 4, false, RMSPROP, embedding",
        "LSTM, 2, 0, false, ADAM, layer_1",
        "LSTM, 2, 0, false, ADAMW, dense",
        "GRU_RESET_BEFORE, 2, 4, true, ADAMW, embedding layer_0"
    })
    void frozenLayersKeepTheirBits(
            CellType cell, int layers, int embeddingSize, boolean tied, Kind optimizer, String frozen) {
        ModelConfig model = new ModelConfig(cell, V, 4, layers, embeddingSize, tied);
        TrainConfig training = training(optimizer, 5, frozen.split(" "));
        Weights before = TestModels.randomWeights(model, 3);

        Checkpoint end = train(model, training, 3);

        for (Parameter parameter : before.parameters()) {
            if (training.trains(parameter)) {
                assertThat(end.weights().of(parameter)).as(parameter.name()).isNotEqualTo(before.of(parameter));
            } else {
                assertThat(end.weights().of(parameter)).as(parameter.name()).containsExactly(before.of(parameter));
            }
        }
        assertThat(end.slots().parameters())
                .isNotEmpty()
                .isEqualTo(Checkpoint.slotArrays(model, training))
                .noneMatch(slot -> training.frozen().stream()
                        .anyMatch(layer -> slot.name().matches("optimizer/[a-z_]+/" + layer + "(/.*)?")));
    }

    /** Without clipping, the first update of a layer does not depend on whether others change, too. */
    @Test
    void otherLayersAreTrainedAsWithoutFrozenOnes() {
        ModelConfig model = new ModelConfig(CellType.LSTM, V, 4, 2, 5, false);
        Checkpoint all = train(model, training(Kind.ADAM, Float.MAX_VALUE), 1);
        Checkpoint some = train(model, training(Kind.ADAM, Float.MAX_VALUE, "embedding", "layer_1"), 1);

        for (Parameter parameter : LanguageModel.parameters(model)) {
            if (List.of("layer_0", "dense").contains(parameter.layer())) {
                assertThat(some.weights().of(parameter))
                        .as(parameter.name())
                        .containsExactly(all.weights().of(parameter));
            }
        }
    }

    /** The layers below the lowest trained one keep nothing for a backward pass. */
    @Test
    void memoryEstimateLeavesOutFrozenLayers() {
        ModelConfig model = new ModelConfig(CellType.LSTM, V, 400, 2);
        long all = MemoryEstimate.ofTraining(model, training(Kind.ADAM, 5)).heapBytes();
        MemoryEstimate some = MemoryEstimate.ofTraining(model, training(Kind.ADAM, 5, "layer_0", "layer_1"));
        long dense = 400 * V + V;
        long parameters = LanguageModel.countParameters(model);

        assertThat(all).isEqualTo(Float.BYTES * 3 * parameters);
        assertThat(some.heapBytes()).isEqualTo(Float.BYTES * (parameters + 2 * dense));
        long copy = parameters + 2 * dense;
        assertThat(copy).as("more than the activations of a step").isGreaterThan(T * B * 2L * V);
        assertThat(some.bytes() - MemoryEstimate.ofFile(0).bytes()).isEqualTo(Float.BYTES * 3 * copy);
    }

    /** A dense layer that is frozen alone would still learn with the embedding. */
    @Test
    void sharedLayersAreFrozenTogether() {
        ModelConfig tied = new ModelConfig(CellType.LSTM, V, 4, 2, 4, true);
        assertThatThrownBy(() -> training(Kind.SGD, 1, "dense").requireLayersOf(tied))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("the dense layer shares its kernel with the embedding, which is not frozen; freeze both");
        training(Kind.SGD, 1, "dense", "embedding").requireLayersOf(tied);
    }

    @Test
    void layersThatAreNotThereAreNamed() {
        ModelConfig model = new ModelConfig(CellType.LSTM, V, 4, 2);
        assertThatThrownBy(() -> training(Kind.SGD, 1, "dense", "embedding").requireLayersOf(model))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("the model has no layer embedding to freeze; it has layer_0, layer_1, dense");
        assertThatThrownBy(() ->
                        training(Kind.SGD, 1, "layer_1", "dense", "layer_0").requireLayersOf(model))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "all layers are frozen, which leaves nothing to train; freeze fewer of layer_0, layer_1, dense");
    }
}
