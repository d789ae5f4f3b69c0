package dev.libretto.train;

import dev.libretto.model.FloatTensors;
import dev.libretto.model.Parameter;
import dev.libretto.model.Weights;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.tensorflow.DeviceSpec;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Assign;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.op.core.Variable;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TType;

/** Arrays, such as a model's parameters, as variables of a graph that can be loaded and read. */
final class Variables {
    /** A variable that can be loaded. */
    record Slot<T extends TType>(Variable<T> variable, Placeholder<T> value, Assign<T> assign) {
        static <T extends TType> Slot<T> of(Ops tf, String name, Shape shape, Class<T> type) {
            Variable<T> variable = tf.withName(name).variable(shape, type);
            Ops loading = tf.withSubScope("load_" + name);
            Placeholder<T> value = loading.withName("value").placeholder(type, Placeholder.shape(shape));
            return new Slot<>(variable, value, loading.withName("assign").assign(variable, value));
        }

        void load(Session session, T tensor) {
            session.runner().feed(value, tensor).addTarget(assign).run().close();
        }
    }

    private final Map<Parameter, Slot<TFloat32>> slots;
    private final List<DeviceSpec> places;

    /** Adds variables where the session computes. */
    Variables(Ops tf, List<Parameter> parameters) {
        this(tf, parameters, List.of(Parts.SESSION));
    }

    /** @param places of the parameters, repeated if there are fewer */
    Variables(Ops tf, List<Parameter> parameters, List<DeviceSpec> places) {
        this.places = places;
        slots = new LinkedHashMap<>();
        for (Parameter parameter : parameters) {
            Ops at = Parts.at(tf, place(slots.size()));
            slots.put(parameter, Slot.of(at, name(parameter), parameter.shape(), TFloat32.class));
        }
    }

    private Variables(Map<Parameter, Slot<TFloat32>> slots, List<DeviceSpec> places) {
        this.slots = slots;
        this.places = places;
    }

    /** Returns some of the variables, in the same order. */
    Variables only(Predicate<Parameter> wanted) {
        Map<Parameter, Slot<TFloat32>> some = new LinkedHashMap<>();
        List<DeviceSpec> placesOfSome = new ArrayList<>();
        int index = 0;
        for (Map.Entry<Parameter, Slot<TFloat32>> slot : slots.entrySet()) {
            if (wanted.test(slot.getKey())) {
                some.put(slot.getKey(), slot.getValue());
                placesOfSome.add(place(index));
            }
            index++;
        }
        return new Variables(some, placesOfSome);
    }

    /** Returns a copy in which each variable that {@code others} has under {@code name(parameter)} is replaced by it. */
    Variables replaced(Variables others, UnaryOperator<Parameter> name) {
        Map<Parameter, Slot<TFloat32>> replaced = new LinkedHashMap<>();
        slots.forEach(
                (parameter, slot) -> replaced.put(parameter, others.slots.getOrDefault(name.apply(parameter), slot)));
        return new Variables(replaced, places);
    }

    /** Returns where each variable is, in the parameters' order. */
    List<DeviceSpec> places() {
        return IntStream.range(0, slots.size()).mapToObj(this::place).toList();
    }

    /** Returns where the variable with an index is. */
    DeviceSpec place(int index) {
        return places.get(index % places.size());
    }

    /** Returns the name of a parameter's operation. */
    static String name(Parameter parameter) {
        return parameter.name().replace('/', '_');
    }

    /** Returns the variables, in the parameters' order. */
    List<Operand<TFloat32>> all() {
        return slots.values().stream().<Operand<TFloat32>>map(Slot::variable).toList();
    }

    /**
     * Returns the values of the variables after an update, in the parameters' order.
     *
     * @param last the update to wait for; null for none
     */
    Map<Parameter, Operand<TFloat32>> after(Ops tf, Op last) {
        Map<Parameter, Operand<TFloat32>> values = new LinkedHashMap<>();
        for (Map.Entry<Parameter, Slot<TFloat32>> slot : slots.entrySet()) {
            Operand<TFloat32> variable = slot.getValue().variable();
            Ops at = Parts.at(tf, place(values.size()));
            values.put(
                    slot.getKey(),
                    last == null
                            ? variable
                            : at.withControlDependencies(List.of(last)).identity(variable));
        }
        return values;
    }

    /** Adds operations that assign new values, in the parameters' order. */
    List<Op> assign(Ops tf, List<Operand<TFloat32>> values) {
        List<Op> assigned = new ArrayList<>();
        for (Operand<TFloat32> variable : all()) {
            int index = assigned.size();
            assigned.add(Parts.at(tf, place(index)).assign(variable, values.get(index)));
        }
        return assigned;
    }

    /** Loads the weights into the variables, in one run, as the first run of each set of operations takes long. */
    void load(Session session, Weights weights) {
        if (slots.isEmpty()) {
            return;
        }
        Session.Runner runner = session.runner();
        List<TFloat32> fed = new ArrayList<>();
        try {
            slots.forEach((parameter, slot) -> {
                fed.add(FloatTensors.of(parameter.shape(), weights.of(parameter)));
                runner.feed(slot.value(), fed.get(fed.size() - 1)).addTarget(slot.assign());
            });
            runner.run().close();
        } finally {
            fed.forEach(TFloat32::close);
        }
    }

    /** Returns copies of the current values, which the caller closes. */
    Map<Parameter, TFloat32> copy(Session session) {
        Map<Parameter, TFloat32> copies = new LinkedHashMap<>();
        if (slots.isEmpty()) {
            return copies;
        }
        Session.Runner runner = session.runner();
        slots.values().forEach(slot -> runner.fetch(slot.variable()));
        try (Result result = runner.run()) {
            for (Parameter parameter : slots.keySet()) {
                // A fetched tensor may share the variable's memory.
                TFloat32 value = (TFloat32) result.get(copies.size());
                copies.put(parameter, TFloat32.tensorOf(value.shape(), value::copyTo));
            }
            return copies;
        } catch (RuntimeException e) {
            copies.values().forEach(TFloat32::close);
            throw e;
        }
    }

    /** Returns the current values. */
    Weights read(Session session) {
        if (slots.isEmpty()) {
            return new Weights(List.of(), parameter -> null);
        }
        Session.Runner runner = session.runner();
        slots.values().forEach(slot -> runner.fetch(slot.variable()));
        List<Parameter> parameters = new ArrayList<>(slots.keySet());
        try (Result result = runner.run()) {
            return new Weights(parameters, p -> FloatTensors.toArray((TFloat32) result.get(parameters.indexOf(p))));
        }
    }
}
