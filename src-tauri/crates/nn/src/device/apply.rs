//! One operation as a composition of candle's, differentiated by candle.

use candle_core::{DType, Result, Tensor, Var as Variable};

use super::Mirror;
use crate::parameters::Dense;
use crate::tape::{Backward, BackwardPass, Tape, Var, VarId};

/// A function of activations and parameters (in this order) whose result is `[rows, columns]`.
type Compose = dyn Fn(&[Tensor]) -> Result<Tensor>;

/// The result of `compose`, which is done again on the way back: only its inputs are kept. It gets activations in the
/// numbers that they are kept in, and parameters in 32 bits.
pub(super) fn apply(
    tape: &mut Tape,
    mirror: &Mirror,
    inputs: &[&Var],
    parameters: &[Dense],
    compose: impl Fn(&[Tensor]) -> Result<Tensor> + 'static,
) -> Var {
    let result = arguments(mirror, inputs, parameters).and_then(|arguments| compose(&arguments));
    let y = tape.place(result);
    tape.record(|| Applied {
        inputs: inputs.iter().map(|&input| input.clone()).collect(),
        parameters: parameters.to_vec(),
        compose: Box::new(compose),
        y: (&y).into(),
    });
    y
}

fn arguments(mirror: &Mirror, inputs: &[&Var], parameters: &[Dense]) -> Result<Vec<Tensor>> {
    let inputs = inputs.iter().map(|input| input.tensor().cloned());
    let parameters = parameters.iter().map(|&handle| mirror.parameter(handle));
    inputs.chain(parameters).collect()
}

struct Applied {
    inputs: Vec<Var>,
    parameters: Vec<Dense>,
    compose: Box<Compose>,
    y: VarId,
}

impl Backward for Applied {
    fn backward(self: Box<Self>, pass: &mut BackwardPass) {
        pass.on_device(|pass, mirror| {
            let d = pass.take_tensor(self.y)?;
            let inputs: Vec<&Var> = self.inputs.iter().collect();
            let mut arguments = arguments(mirror, &inputs, &self.parameters)?;
            let learns = |index: usize| match index.checked_sub(inputs.len()) {
                Some(parameter) => !pass.parameters.is_frozen(self.parameters[parameter]),
                None => true,
            };
            for (index, argument) in arguments.iter_mut().enumerate() {
                if learns(index) {
                    *argument = Variable::from_tensor(argument)?.into_inner();
                }
            }
            let y = (self.compose)(&arguments)?;
            // From a result of any shape candle walks back with ones: those times `d` are `d`.
            let mut found = (y * d)?.backward()?;
            for (index, argument) in arguments.iter().enumerate() {
                let Some(gradient) = found.remove(argument) else {
                    continue;
                };
                match index.checked_sub(inputs.len()) {
                    None => pass.add_tensor(VarId::from(inputs[index]), gradient)?,
                    Some(parameter) => {
                        let range = self.parameters[parameter].range();
                        pass.gradients
                            .device
                            .add(range, &gradient.to_dtype(DType::F32)?)?;
                    }
                }
            }
            Ok(())
        });
    }
}
