package dev.libretto.train;

import dev.libretto.model.Dropout;
import dev.libretto.model.LanguageModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Parameter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt64;

/**
 * The training graph: variables for the parameters, the optimizer's slots and the carried state, and one or more consecutive
 * training steps that update them. A run of the graph executes the first n steps.
 */
final class TrainingGraph {
    final Variables variables;
    /** The optimizer's slots, {@link Checkpoint#slotArrays}. */
    final Variables slots;
    /** The state carried from the previous batch, {@link Checkpoint#stateArrays}. */
    final Variables state;
    /** The text that the batches are cut from; null if their characters are fed. */
    final Variables.Slot<TInt64> text;

    final List<Step> steps = new ArrayList<>();

    TrainingGraph(Graph graph, ModelConfig model, TrainConfig training, ExecutionPlan plan) {
        Ops tf = Ops.create(graph);
        variables = new Variables(tf, LanguageModel.parameters(model));
        slots = new Variables(tf, Checkpoint.slotArrays(model, training));
        state = new Variables(tf, Checkpoint.stateArrays(model, training));
        text = plan.textLength() == 0 ? null : Variables.Slot.of(tf, "text", Shape.of(plan.textLength()), TInt64.class);
        for (int i = 0; i < plan.batchesPerRun(); i++) {
            Ops scope = i == 0 ? tf : tf.withSubScope("batch_" + i);
            steps.add(new Step(graph, scope, model, training, plan, i == 0 ? null : steps.get(i - 1).update));
        }
    }

    /**
     * One training step: the model unrolled over T time steps, the mean softmax cross entropy of its logits, its gradients, their
     * global norm, and the update by {@link Optimizer#update}:
     *
     * <pre>
     *     loss   = mean over t, b of −log softmax(logits[t·B + b])[targets[t, b]]
     *     g      = d loss / d w               for every parameter w
     *     norm   = √(Σ |g|²)                  over all parameters together
     * </pre>
     */
    final class Step {
        final BatchInput characters;
        /** Whether the state is carried from the previous batch or zero; a scalar. */
        final Placeholder<TBool> continues;
        /** A scalar. */
        final Placeholder<TFloat32> learningRate;
        /** The number of the step, counted from 1, a scalar; Adam's bias correction and the dropout masks depend on it. */
        final Placeholder<TInt64> number;

        /** The state before the first time step, each {@code [B, H]}. */
        final List<Operand<TFloat32>> before;
        /** The state after the last time step, each {@code [B, H]}. */
        final List<Operand<TFloat32>> after;
        /** The mean cross entropy in nats, a scalar. */
        final Operand<TFloat32> loss;
        /** The gradient of each parameter before clipping, in the parameters' order. */
        final List<Operand<TFloat32>> gradients;
        /** The global norm of the gradients before clipping, a scalar. */
        final Operand<TFloat32> gradientNorm;
        /** Updates all variables, after the updates of the steps before. */
        final Op update;

        /** @param last the update of the step before; null in the first step */
        private Step(Graph graph, Ops tf, ModelConfig config, TrainConfig training, ExecutionPlan plan, Op last) {
            Shape ids = Shape.of(training.seqLength(), training.batchSize());
            characters = text == null
                    ? new BatchInput.Fed(tf, ids)
                    : BatchInput.FromText.of(tf.withSubScope("characters"), text.variable(), ids);
            continues = tf.withName("continues").placeholder(TBool.class, Placeholder.shape(Shape.scalar()));
            learningRate = tf.withName("learning_rate").placeholder(TFloat32.class, Placeholder.shape(Shape.scalar()));
            number = tf.withName("step").placeholder(TInt64.class, Placeholder.shape(Shape.scalar()));

            Map<Parameter, Operand<TFloat32>> values = variables.after(tf, last);
            Ops carrying = tf.withSubScope("carry");
            before = state.after(tf, last).values().stream()
                    .<Operand<TFloat32>>map(array -> carrying.select(continues, array, carrying.constant(0f)))
                    .toList();
            LanguageModel model =
                    new LanguageModel(tf, config, values::get, plan.recurrence(), plan.parts(), plan.factors());
            Dropout dropout = new Dropout(training.dropout(), training.seed(), number);
            LanguageModel.Output output = model.unroll(tf, characters.inputs(), before, dropout);
            after = output.state();
            CrossEntropy crossEntropy =
                    CrossEntropy.of(tf.withSubScope("cross_entropy"), output.logits(), characters.targets());
            loss = tf.withSubScope("loss").math.mean(crossEntropy.losses(), tf.constant(0));

            gradients = Gradients.of(
                    graph,
                    tf.withSubScope("kernel_gradients"),
                    output.logits(),
                    crossEntropy.gradient(),
                    values.values().stream().map(Operand::asOutput).toArray(Output<?>[]::new));
            gradientNorm = globalNorm(tf.withSubScope("clip"), gradients);
            List<Op> changes = new ArrayList<>();
            changes.add(training.optimizer()
                    .update(
                            tf.withSubScope("descend"),
                            variables,
                            slots,
                            gradients,
                            gradientNorm,
                            learningRate,
                            number));
            // Once the norm is computed, no operation reads the old state.
            changes.addAll(state.assign(carrying.withControlDependencies(List.of(gradientNorm)), after));
            update = tf.withName("update").withControlDependencies(changes).noOp();
        }
    }

    private static Operand<TFloat32> globalNorm(Ops tf, List<Operand<TFloat32>> gradients) {
        List<Operand<TFloat32>> halfSquares = new ArrayList<>();
        for (Operand<TFloat32> gradient : gradients) {
            halfSquares.add(tf.nn.l2Loss(gradient));
        }
        return tf.withName("global_norm").math.sqrt(tf.math.mul(tf.constant(2f), tf.math.addN(halfSquares)));
    }
}
