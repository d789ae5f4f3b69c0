package dev.libretto.train;

import dev.libretto.device.Sessions;
import dev.libretto.model.LanguageModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Parameter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.tensorflow.ConcreteFunction;
import org.tensorflow.DeviceSpec;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TNumber;

/**
 * The training graph: variables for the parameters, the optimizer's slots and the carried state, and one or more consecutive
 * training steps that update them. A run of the graph executes the first n steps.
 */
final class TrainingGraph {
    /** A checkpoint's weights: the parameters or, with an {@link Ema}, their averages. */
    final Variables weights;
    /** The optimizer's slots, {@link Checkpoint#slotArrays}. */
    final Variables slots;
    /** The parameters that a step computes with. */
    private final Variables parameters;
    /** The layer of each parameter. */
    private final List<String> layers;
    /** Those that are not frozen. */
    private final Variables trained;
    /** The averages of those; without an {@link Ema}, those themselves. */
    private final Variables averages;
    /** The state carried from the previous batch, {@link Checkpoint#stateArrays}. */
    final Variables state;
    /** The text that the batches are cut from; null if their characters are fed. */
    final Variables.Slot<TInt64> text;

    final List<Step> steps = new ArrayList<>();

    TrainingGraph(Graph graph, ModelConfig model, TrainConfig training, ExecutionPlan plan) {
        Ops tf = Ops.create(graph);
        List<Parameter> ofModel = LanguageModel.parameters(model);
        layers = ofModel.stream().map(Parameter::layer).toList();
        weights = new Variables(tf, ofModel, plan.parts().spread(ofModel));
        averages = weights.only(training::trains);
        slots = new Variables(tf, Checkpoint.slotArrays(model, training), averages.places());
        parameters = weights.replaced(slots, Checkpoint::averaged);
        trained = parameters.only(training::trains);
        state = new Variables(tf, Checkpoint.stateArrays(model, training));
        text = plan.textLength() == 0 ? null : Variables.Slot.of(tf, "text", Shape.of(plan.textLength()), TInt64.class);
        try (Graph ofPart = Sessions.newGraph()) {
            PartGraph part = new PartGraph(ofPart, model, training, plan);
            try (ConcreteFunction function = part.toFunction()) {
                graph.attachFunction(function);
                for (int i = 0; i < plan.batchesPerRun(); i++) {
                    Ops scope = i == 0 ? tf : tf.withSubScope("batch_" + i);
                    Op last = i == 0 ? null : steps.get(i - 1).update;
                    steps.add(new Step(scope, part, function.getDefinedName(), training, plan.parts(), last));
                }
            }
        }
    }

    /**
     * One training step: the loss and the gradients, which are {@link Parts#sum sums} over the parts of the batch, the gradients'
     * global norm, and the update by {@link Optimizer#update}:
     *
     * <pre>
     *     norm = √(Σ |g|²)                  over all trained parameters together
     * </pre>
     *
     * <p>An {@link Ema} follows the update.
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
        /** The gradient of each trained parameter before clipping, in the parameters' order. */
        final List<Operand<TFloat32>> gradients;
        /** The global norm of the gradients before clipping, a scalar. */
        final Operand<TFloat32> gradientNorm;
        /** Updates all variables, after the updates of the steps before. */
        final Op update;

        /**
         * @param function the name of {@code part} as a function
         * @param last the update of the step before; null in the first step
         */
        private Step(Ops tf, PartGraph part, String function, TrainConfig training, Parts parts, Op last) {
            Shape ids = Shape.of(training.seqLength(), training.batchSize());
            characters = text == null
                    ? new BatchInput.Fed(tf, ids)
                    : BatchInput.FromText.of(tf.withSubScope("characters"), text.variable(), ids);
            continues = tf.withName("continues").placeholder(TBool.class, Placeholder.shape(Shape.scalar()));
            learningRate = tf.withName("learning_rate").placeholder(TFloat32.class, Placeholder.shape(Shape.scalar()));
            number = tf.withName("step").placeholder(TInt64.class, Placeholder.shape(Shape.scalar()));

            List<Operand<TFloat32>> values =
                    List.copyOf(parameters.after(tf, last).values());
            Ops carrying = tf.withSubScope("carry");
            before = state.after(tf, last).values().stream()
                    .<Operand<TFloat32>>map(array -> carrying.select(continues, array, carrying.constant(0f)))
                    .toList();
            Ops splitting = tf.withSubScope("split");
            Operand<TFloat32> shares = splitting.fill(
                    splitting.constant(new int[] {training.batchSize()}), splitting.constant(1f / ids.size()));
            List<? extends Operand<? extends TNumber>> inputs = parts.split(splitting, characters.inputs(), 1);
            List<? extends Operand<? extends TNumber>> targets = parts.split(splitting, characters.targets(), 1);
            List<Operand<TFloat32>> sharesOfParts = parts.split(splitting, shares, 0);
            List<List<Operand<TFloat32>>> states = before.stream()
                    .map(array -> parts.split(splitting, array, 0))
                    .toList();
            Map<DeviceSpec, List<Operand<TFloat32>>> valuesAt = new HashMap<>();
            List<PartGraph.Results> results = new ArrayList<>();
            for (int p = 0; p < parts.count(); p++) {
                int index = p;
                PartGraph.Arguments arguments = new PartGraph.Arguments(
                        inputs.get(p),
                        targets.get(p),
                        sharesOfParts.get(p),
                        number,
                        splitting.constant((long) p),
                        valuesAt.computeIfAbsent(
                                parts.places().get(p), place -> send(tf, values, place, parts.areOnSeveralCpus())),
                        states.stream().map(array -> array.get(index)).toList());
                results.add(part.call(parts.at(tf, p), function, arguments, parts.areOnSeveralCpus()));
            }

            Ops adding = tf.withSubScope("sum");
            loss = parts.sum(
                    adding, results.stream().map(PartGraph.Results::loss).toList(), Parts.SESSION);
            gradients = IntStream.range(0, trained.all().size())
                    .mapToObj(i -> parts.sum(
                            adding,
                            results.stream()
                                    .map(result -> result.gradients().get(i))
                                    .toList(),
                            trained.place(i)))
                    .toList();
            Ops joining = tf.withSubScope("join");
            after = IntStream.range(0, before.size())
                    .mapToObj(i -> parts.join(
                            joining,
                            results.stream()
                                    .map(result -> result.after().get(i))
                                    .toList(),
                            training.batchSize()))
                    .toList();
            Ops clipping = tf.withSubScope("clip");
            // Added one after the other: TensorFlow's sum of many terms does not always keep their order.
            Operand<TFloat32> halfSquares = IntStream.range(0, gradients.size())
                    .<Operand<TFloat32>>mapToObj(
                            i -> Parts.at(clipping, trained.place(i)).nn.l2Loss(gradients.get(i)))
                    .reduce(clipping.math::add)
                    .orElseThrow();
            gradientNorm =
                    clipping.withName("global_norm").math.sqrt(clipping.math.mul(clipping.constant(2f), halfSquares));
            List<Operand<TFloat32>> updated = training.optimizer()
                    .update(tf.withSubScope("descend"), trained, slots, gradients, gradientNorm, learningRate, number);
            List<Op> changes = new ArrayList<>(updated);
            if (training.emaDecay() > 0) {
                changes.addAll(Ema.update(tf.withSubScope("average"), training.emaDecay(), averages, updated, number));
            }
            // Once the norm is computed, no operation reads the old state.
            changes.addAll(state.assign(carrying.withControlDependencies(List.of(gradientNorm)), after));
            update = tf.withName("update").withControlDependencies(changes).noOp();
        }

        /**
         * Sends the parameters to a place once; TensorFlow would send them for each call there. Hosts send a layer when the one
         * before has arrived: sent at the same time, the first could arrive last.
         */
        private List<Operand<TFloat32>> send(
                Ops tf, List<Operand<TFloat32>> values, DeviceSpec place, boolean isInOrder) {
            Ops sending = tf.withSubScope("send");
            List<Operand<TFloat32>> there = new ArrayList<>();
            List<Op> arrived = List.of();
            List<Op> ofLayer = new ArrayList<>();
            for (int i = 0; i < values.size(); i++) {
                if (i > 0 && !layers.get(i).equals(layers.get(i - 1)) && !ofLayer.isEmpty()) {
                    arrived = ofLayer;
                    ofLayer = new ArrayList<>();
                }
                Operand<TFloat32> value = values.get(i);
                DeviceSpec origin = parameters.place(i);
                if (!place.equals(origin)) {
                    if (isInOrder && !arrived.isEmpty()) {
                        value = Parts.at(sending, origin)
                                .withControlDependencies(arrived)
                                .identity(value);
                    }
                    value = Parts.at(sending, place).identity(value);
                    ofLayer.add(value);
                }
                there.add(value);
            }
            return there;
        }
    }
}
